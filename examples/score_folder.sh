#!/usr/bin/env bash
# Score a folder with everything that needs no download, keep all reports, and fail below 20 dB.
set -euo pipefail
data=${1:?usage: score_folder.sh DATA}
thm score "$data" --suite offline \
    --extractor lmd=dlib --extractor akd=dlib --extractor mkr=dlib --extractor csim=dlib --extractor aed-id=dlib \
    -o result.json -o result.csv -o result.tex --fail-under psnr=20
