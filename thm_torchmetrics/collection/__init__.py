"""`TalkingHeadMetrics` computes several metrics together, and `make_metric` turns a key and options into one."""

from thm_torchmetrics.collection.members import checkpoints_of, make_metric, metric_class, option_names
from thm_torchmetrics.collection.talking_head_metrics import TalkingHeadMetrics

__all__ = ["TalkingHeadMetrics", "checkpoints_of", "make_metric", "metric_class", "option_names"]
