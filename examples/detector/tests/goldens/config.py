"""A dump of a real MMDetection configuration, as its users make it.

usage: config.py OUT_DIR
needs: mmengine 0.10.7, mmdet 3.3.0 (only its configuration files)
"""
import importlib.util
import os
import sys

from mmengine.config import Config

root = os.path.dirname(importlib.util.find_spec("mmdet").origin)
Config.fromfile(f"{root}/.mim/configs/retinanet/retinanet_r18_fpn_1x_coco.py").dump(f"{sys.argv[1]}/retinanet_r18_fpn_1x_coco.json")
