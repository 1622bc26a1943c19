"""Dumps of real MMDetection configurations, as its users make them.

usage: config.py OUT_DIR
needs: mmengine 0.10.7, mmdet 3.3.0 (only its configuration files)
"""
import importlib.util
import os
import sys

from mmengine.config import Config

root = os.path.dirname(importlib.util.find_spec("mmdet").origin)
for name in ("retinanet_r18_fpn_1x_coco", "retinanet_r50_fpn_1x_coco"):
    Config.fromfile(f"{root}/.mim/configs/retinanet/{name}.py").dump(f"{sys.argv[1]}/{name}.json")
