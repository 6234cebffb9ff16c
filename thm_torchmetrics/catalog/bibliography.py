"""The literature of metrics, protocols and networks, as BibTeX."""

from __future__ import annotations

from collections.abc import Mapping

ENTRIES: Mapping[str, str] = {
    "detlefsen2022torchmetrics": """@article{detlefsen2022torchmetrics,
  title = {{TorchMetrics} - Measuring Reproducibility in {PyTorch}},
  author = {Detlefsen, Nicki Skafte and Borovec, Jiri and Schock, Justus and Jha, Ananya Harsh and Koker, Teddy
            and Di Liello, Luca and Stancl, Daniel and Quan, Changsheng and Grechkin, Maxim and Falcon, William},
  journal = {Journal of Open Source Software},
  volume = {7},
  number = {70},
  pages = {4101},
  year = {2022}
}""",
    "kastryulin2022piq": """@misc{kastryulin2022piq,
  title = {{PyTorch} Image Quality: Metrics for Image Quality Assessment},
  author = {Kastryulin, Sergey and Zakirov, Jamil and Prokopenko, Denis and Dylov, Dmitry V.},
  howpublished = {arXiv:2208.14818},
  year = {2022}
}""",
    "wang2004ssim": """@article{wang2004ssim,
  title = {Image Quality Assessment: From Error Visibility to Structural Similarity},
  author = {Wang, Zhou and Bovik, Alan C. and Sheikh, Hamid R. and Simoncelli, Eero P.},
  journal = {IEEE Transactions on Image Processing},
  volume = {13},
  number = {4},
  pages = {600--612},
  year = {2004}
}""",
    "vanderwalt2014skimage": """@article{vanderwalt2014skimage,
  title = {scikit-image: Image Processing in {Python}},
  author = {van der Walt, St{\\'e}fan and Sch{\\"o}nberger, Johannes L. and Nunez-Iglesias, Juan and Boulogne,
            Fran{\\c{c}}ois and Warner, Joshua D. and Yager, Neil and Gouillart, Emmanuelle and Yu, Tony},
  journal = {PeerJ},
  volume = {2},
  pages = {e453},
  year = {2014}
}""",
    "narvekar2011cpbd": """@article{narvekar2011cpbd,
  title = {A No-Reference Image Blur Metric Based on the Cumulative Probability of Blur Detection ({CPBD})},
  author = {Narvekar, Niranjan D. and Karam, Lina J.},
  journal = {IEEE Transactions on Image Processing},
  volume = {20},
  number = {9},
  pages = {2678--2683},
  year = {2011}
}""",
    "zhang2018lpips": """@inproceedings{zhang2018lpips,
  title = {The Unreasonable Effectiveness of Deep Features as a Perceptual Metric},
  author = {Zhang, Richard and Isola, Phillip and Efros, Alexei A. and Shechtman, Eli and Wang, Oliver},
  booktitle = {CVPR},
  year = {2018}
}""",
    "heusel2017fid": """@inproceedings{heusel2017fid,
  title = {{GANs} Trained by a Two Time-Scale Update Rule Converge to a Local {Nash} Equilibrium},
  author = {Heusel, Martin and Ramsauer, Hubert and Unterthiner, Thomas and Nessler, Bernhard and Hochreiter, Sepp},
  booktitle = {NeurIPS},
  year = {2017}
}""",
    "binkowski2018kid": """@inproceedings{binkowski2018kid,
  title = {Demystifying {MMD} {GANs}},
  author = {Bi{\\'n}kowski, Miko{\\l}aj and Sutherland, Danica J. and Arbel, Michael and Gretton, Arthur},
  booktitle = {International Conference on Learning Representations},
  year = {2018}
}""",
    "seitzer2020pytorchfid": """@misc{seitzer2020pytorchfid,
  title = {{pytorch-fid}: {FID} Score for {PyTorch}},
  author = {Seitzer, Maximilian},
  howpublished = {github.com/mseitzer/pytorch-fid},
  year = {2020}
}""",
    "obukhov2020torchfidelity": """@misc{obukhov2020torchfidelity,
  title = {High-Fidelity Performance Metrics for Generative Models in {PyTorch}},
  author = {Obukhov, Anton and Seitzer, Maximilian and Wu, Po-Wei and Zhydenko, Semen and Kyl, Jonathan
            and Lin, Elvis Yu-Jing},
  howpublished = {github.com/toshas/torch-fidelity},
  year = {2020}
}""",
    "gan2023eat": """@inproceedings{gan2023eat,
  title = {Efficient Emotional Adaptation for Audio-Driven Talking-Head Generation},
  author = {Gan, Yuan and Yang, Zongxin and Yue, Xihang and Sun, Lingyun and Yang, Yi},
  booktitle = {ICCV},
  year = {2023}
}""",
    "chung2016syncnet": """@inproceedings{chung2016syncnet,
  title = {Out of Time: Automated Lip Sync in the Wild},
  author = {Chung, Joon Son and Zisserman, Andrew},
  booktitle = {ACCV Workshop on Multi-view Lip-reading},
  year = {2016}
}""",
    "prajwal2020wav2lip": """@inproceedings{prajwal2020wav2lip,
  title = {A Lip Sync Expert Is All You Need for Speech to Lip Generation in the Wild},
  author = {Prajwal, K. R. and Mukhopadhyay, Rudrabha and Namboodiri, Vinay P. and Jawahar, C. V.},
  booktitle = {ACM Multimedia},
  year = {2020}
}""",
    "zhou2022vico": """@inproceedings{zhou2022vico,
  title = {Responsive Listening Head Generation: A Benchmark Dataset and Baseline},
  author = {Zhou, Mohan and Bai, Yalong and Zhang, Wei and Yao, Ting and Zhao, Tiejun and Mei, Tao},
  booktitle = {ECCV},
  year = {2022}
}""",
    "li2024latentsync": """@misc{li2024latentsync,
  title = {{LatentSync}: Taming Audio-Conditioned Latent Diffusion Models for Lip Sync with {SyncNet} Supervision},
  author = {Li, Chunyu and Zhang, Chao and Xu, Weikai and Lin, Jingyu and Xie, Jinghui and Feng, Weiguo
            and Peng, Bingyue and Chen, Cunjian and Xing, Weiwei},
  howpublished = {arXiv:2412.09262},
  year = {2024}
}""",
    "wei2025mocha": """@misc{wei2025mocha,
  title = {{MoCha}: Towards Movie-Grade Talking Character Synthesis},
  author = {Wei, Cong and others},
  howpublished = {arXiv:2503.23307},
  year = {2025}
}""",
    "bulat2017fan": """@inproceedings{bulat2017fan,
  title = {How Far Are We from Solving the {2D} \\& {3D} Face Alignment Problem? (and a Dataset of 230,000 {3D} Facial
           Landmarks)},
  author = {Bulat, Adrian and Tzimiropoulos, Georgios},
  booktitle = {ICCV},
  year = {2017}
}""",
    "king2009dlib": """@article{king2009dlib,
  title = {Dlib-ml: A Machine Learning Toolkit},
  author = {King, Davis E.},
  journal = {Journal of Machine Learning Research},
  volume = {10},
  pages = {1755--1758},
  year = {2009}
}""",
    "chen2019atvg": """@inproceedings{chen2019atvg,
  title = {Hierarchical Cross-Modal Talking Face Generation with Dynamic Pixel-Wise Loss},
  author = {Chen, Lele and Maddox, Ross K. and Duan, Zhiyao and Xu, Chenliang},
  booktitle = {CVPR},
  year = {2019}
}""",
    "li2024talkinggaussian": """@inproceedings{li2024talkinggaussian,
  title = {{TalkingGaussian}: Structure-Persistent {3D} Talking Head Synthesis via {Gaussian} Splatting},
  author = {Li, Jiahe and Zhang, Jiawei and Bai, Xiao and Zheng, Jin and Ning, Xin and Zhou, Jun and Gu, Lin},
  booktitle = {ECCV},
  year = {2024}
}""",
    "siarohin2019fomm": """@inproceedings{siarohin2019fomm,
  title = {First Order Motion Model for Image Animation},
  author = {Siarohin, Aliaksandr and Lathuili{\\`e}re, St{\\'e}phane and Tulyakov, Sergey and Ricci, Elisa
            and Sebe, Nicu},
  booktitle = {NeurIPS},
  year = {2019}
}""",
    "deng2019arcface": """@inproceedings{deng2019arcface,
  title = {{ArcFace}: Additive Angular Margin Loss for Deep Face Recognition},
  author = {Deng, Jiankang and Guo, Jia and Xue, Niannan and Zafeiriou, Stefanos},
  booktitle = {CVPR},
  year = {2019}
}""",
    "toisoul2021emonet": """@article{toisoul2021emonet,
  title = {Estimation of Continuous Valence and Arousal Levels from Faces in Naturalistic Conditions},
  author = {Toisoul, Antoine and Kossaifi, Jean and Bulat, Adrian and Tzimiropoulos, Georgios and Pantic, Maja},
  journal = {Nature Machine Intelligence},
  volume = {3},
  pages = {42--50},
  year = {2021}
}""",
    "chen2020survey": """@misc{chen2020survey,
  title = {What Comprises a Good Talking-Head Video Generation?: A Survey and Benchmark},
  author = {Chen, Lele and Cui, Guofeng and Kou, Ziyi and Zheng, Haitian and Xu, Chenliang},
  howpublished = {arXiv:2005.03201},
  year = {2020}
}""",
    "deng2019deep3d": """@inproceedings{deng2019deep3d,
  title = {Accurate {3D} Face Reconstruction with Weakly-Supervised Learning: From Single Image to Image Set},
  author = {Deng, Yu and Yang, Jiaolong and Xu, Sicheng and Chen, Dong and Jia, Yunde and Tong, Xin},
  booktitle = {CVPR Workshops},
  year = {2019}
}""",
    "yin2022styleheat": """@inproceedings{yin2022styleheat,
  title = {{StyleHEAT}: One-Shot High-Resolution Editable Talking Face Generation via Pre-trained {StyleGAN}},
  author = {Yin, Fei and Zhang, Yong and Cun, Xiaodong and Cao, Mingdeng and Fan, Yanbo and Wang, Xuan and Bai, Qingyan
            and Wu, Baoyuan and Wang, Jue and Yang, Yujiu},
  booktitle = {ECCV},
  year = {2022}
}""",
    "tian2024emo": """@inproceedings{tian2024emo,
  title = {{EMO}: Emote Portrait Alive - Generating Expressive Portrait Videos with {Audio2Video} Diffusion Model under
           Weak Conditions},
  author = {Tian, Linrui and Wang, Qi and Zhang, Bang and Bo, Liefeng},
  booktitle = {ECCV},
  year = {2024}
}""",
    "baltrusaitis2018openface": """@inproceedings{baltrusaitis2018openface,
  title = {{OpenFace} 2.0: Facial Behavior Analysis Toolkit},
  author = {Baltru{\\v{s}}aitis, Tadas and Zadeh, Amir and Lim, Yao Chong and Morency, Louis-Philippe},
  booktitle = {IEEE International Conference on Automatic Face and Gesture Recognition},
  year = {2018}
}""",
    "chang2024libreface": """@inproceedings{chang2024libreface,
  title = {{LibreFace}: An Open-Source Toolkit for Deep Facial Expression Analysis},
  author = {Chang, Di and Yin, Yufeng and Li, Zongjian and Tran, Minh and Soleymani, Mohammad},
  booktitle = {WACV},
  year = {2024}
}""",
    "efron1987bca": """@article{efron1987bca,
  title = {Better Bootstrap Confidence Intervals},
  author = {Efron, Bradley},
  journal = {Journal of the American Statistical Association},
  volume = {82},
  number = {397},
  pages = {171--185},
  year = {1987}
}""",
    "hesterberg2015bootstrap": """@article{hesterberg2015bootstrap,
  title = {What Teachers Should Know about the Bootstrap: Resampling in the Undergraduate Statistics Curriculum},
  author = {Hesterberg, Tim C.},
  journal = {The American Statistician},
  volume = {69},
  number = {4},
  pages = {371--386},
  year = {2015}
}""",
    "holm1979": """@article{holm1979,
  title = {A Simple Sequentially Rejective Multiple Test Procedure},
  author = {Holm, Sture},
  journal = {Scandinavian Journal of Statistics},
  volume = {6},
  number = {2},
  pages = {65--70},
  year = {1979}
}""",
    "kunsch1989blocks": """@article{kunsch1989blocks,
  title = {The Jackknife and the Bootstrap for General Stationary Observations},
  author = {K{\\"u}nsch, Hans R.},
  journal = {The Annals of Statistics},
  volume = {17},
  number = {3},
  pages = {1217--1241},
  year = {1989}
}""",
    "zhang2026aligned": """@misc{zhang2026aligned,
  title = {Temporally-Aligned Evaluation for Audio-Driven Talking Head Generation},
  author = {Zhang, Zhicheng and Wang, Lei and Zhang, Yu and Gao, Yongsheng},
  howpublished = {arXiv:2606.01031},
  year = {2026}
}""",
    "cuturi2017softdtw": """@inproceedings{cuturi2017softdtw,
  title = {{Soft-DTW}: a Differentiable Loss Function for Time-Series},
  author = {Cuturi, Marco and Blondel, Mathieu},
  booktitle = {ICML},
  year = {2017}
}""",
}
