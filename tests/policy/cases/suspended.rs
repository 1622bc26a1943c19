//! What follows its operands although the CPU's list of libtorch widens it.
use super::{cases, f, int};
use tch::{Kind, Tensor};

cases! { CASES, kind;
    max_pool3d(x: f([1, 2, 4, 4, 4])) { x.max_pool3d(2, 2, 0, 1, false) }
    adaptive_avg_pool3d(x: f([1, 2, 4, 4, 4])) { x.adaptive_avg_pool3d([2, 2, 2]) }
    adaptive_max_pool3d(x: f([1, 2, 4, 4, 4])) { x.adaptive_max_pool3d([2, 2, 2]) }
    fractional_max_pool2d(x: f([1, 2, 4, 4]), r: f([1, 2, 2])) { x.fractional_max_pool2d([2, 2], [2, 2], r) }
    fractional_max_pool3d(x: f([1, 2, 4, 4, 4]), r: f([1, 2, 3])) { x.fractional_max_pool3d([2, 2, 2], [2, 2, 2], r) }
    max_unpool2d(x: f([1, 2, 2]), i: int([1, 2, 2], [0, 3, 8, 10])) { x.max_unpool2d(i, [4, 4]) }
    max_unpool3d(x: f([1, 1, 2, 2]), i: int([1, 1, 2, 2], [0, 3, 8, 10])) { x.max_unpool3d(i, [1, 4, 4], [1, 2, 2], [0, 0, 0]) }
    pad(x: f([1, 2, 4])) { x.pad([1, 1], "reflect", None) }
    reflection_pad1d(x: f([1, 2, 4])) { x.reflection_pad1d([1, 1]) }
    reflection_pad2d(x: f([1, 2, 4, 4])) { x.reflection_pad2d([1, 1, 1, 1]) }
    replication_pad1d(x: f([1, 2, 4])) { x.replication_pad1d([1, 1]) }
    replication_pad2d(x: f([1, 2, 4, 4])) { x.replication_pad2d([1, 1, 1, 1]) }
    replication_pad3d(x: f([1, 2, 4, 4, 4])) { x.replication_pad3d([1, 1, 1, 1, 1, 1]) }
}
