"""VOC annotations as MMDetection's own XMLDataset reads them.

usage: voc.py OUT_DIR
needs: mmengine 0.10.7, mmcv, mmdet 3.3.0
"""
import json
import os
import sys
import tempfile

import mmdet_stub

mmdet_stub.install()

from mmdet.datasets.xml_style import XMLDataset  # noqa: E402

CLASSES = ["RBC", "WBC", "Platelets"]
OBJECTS = [
    ("RBC", 0, ["1", "1", "20", "30"]),
    ("WBC", 0, ["101", "57", "340", "260"]),
    ("Platelets", 1, ["640", "1", "640", "480"]),
    ("RBC", 0, ["12.0", "30.5", "99.25", "80.75"]),
    ("RBC", None, ["600", "440", "640", "480"]),
]


def xml():
    lines = ["<annotation>", "<size><width>640</width><height>480</height><depth>3</depth></size>"]
    for name, difficult, corners in OBJECTS:
        keys = zip(["xmin", "ymin", "xmax", "ymax"], corners)
        box = "".join(f"<{key}>{corner}</{key}>" for key, corner in keys)
        mark = "" if difficult is None else f"<difficult>{difficult}</difficult>"
        lines.append(f"<object><name>{name}</name>{mark}<bndbox>{box}</bndbox></object>")
    return "\n".join([*lines, "</annotation>"])


with tempfile.TemporaryDirectory() as root:
    os.mkdir(f"{root}/Annotations")
    with open(f"{root}/Annotations/a.xml", "w") as file:
        file.write(xml())
    with open(f"{root}/train.txt", "w") as file:
        file.write("a\n")
    dataset = XMLDataset(
        data_root=root, ann_file="train.txt", data_prefix={"sub_data_root": root}, metainfo={"classes": CLASSES}
    )
    instances = dataset.get_data_info(0)["instances"]

with open(f"{sys.argv[1]}/voc.json", "w") as file:
    json.dump({"xml": xml(), "classes": CLASSES, "instances": instances}, file)
