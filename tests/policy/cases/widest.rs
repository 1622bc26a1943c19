//! What takes one precision.
use super::{cases, f, int, out};
use tch::{Kind, Tensor};

cases! { CASES, kind;
    addcdiv(x: f([2, 3]), y: f([2, 3]), z: f([2, 3])) { x.addcdiv(y, z) }
    addcdiv_(x: f([2, 3]), y: f([2, 3]), z: f([2, 3])) { x.shallow_clone().addcdiv_(y, z) }
    addcdiv_out(x: f([2, 3]), o: out(), y: f([2, 3]), z: f([2, 3])) { x.addcdiv_out(o, y, z) }
    addcmul(x: f([2, 3]), y: f([2, 3]), z: f([2, 3])) { x.addcmul(y, z) }
    addcmul_(x: f([2, 3]), y: f([2, 3]), z: f([2, 3])) { x.shallow_clone().addcmul_(y, z) }
    addcmul_out(x: f([2, 3]), o: out(), y: f([2, 3]), z: f([2, 3])) { x.addcmul_out(o, y, z) }
    atan2(x: f([2, 3]), y: f([2, 3])) { x.atan2(y) }
    atan2_(x: f([2, 3]), y: f([2, 3])) { x.shallow_clone().atan2_(y) }
    atan2_out(x: f([2, 3]), o: out(), y: f([2, 3])) { x.atan2_out(o, y) }
    bilinear(x: f([2, 3]), y: f([2, 4]), w: f([5, 3, 4]), b: f([5])) { Tensor::bilinear(x, y, w, Some(b)) }
    cross(x: f([2, 3]), y: f([2, 3])) { x.cross(y, 1) }
    cross_out(x: f([2, 3]), o: out(), y: f([2, 3])) { x.cross_out(o, y, 1) }
    dot(x: f([5]), y: f([5])) { x.dot(y) }
    dot_out(x: f([5]), o: out(), y: f([5])) { x.dot_out(o, y) }
    vdot(x: f([5]), y: f([5])) { x.vdot(y) }
    vdot_out(x: f([5]), o: out(), y: f([5])) { x.vdot_out(o, y) }
    grid_sampler(x: f([1, 2, 4, 4]), g: f([1, 3, 3, 2])) { x.grid_sampler(g, 0, 0, false) }
    index_put(x: f([4]), i: int([2], [0, 2]), v: f([2])) { x.index_put(&[Some(i)], v, true) }
    index_put_(x: f([4]), i: int([2], [0, 2]), v: f([2])) { x.shallow_clone().index_put_(&[Some(i)], v, true) }
    index_put_out(x: f([4]), o: out(), i: int([2], [0, 2]), v: f([2])) { x.index_put_out(o, &[Some(i)], v, true) }
    tensordot(x: f([2, 3]), y: f([3, 4])) { x.tensordot(y, [1], [0]) }
    tensordot_out(x: f([2, 3]), o: out(), y: f([3, 4])) { x.tensordot_out(o, y, [1], [0]) }
    scatter_add(x: f([4]), i: int([2], [0, 2]), v: f([2])) { x.scatter_add(0, i, v) }
    scatter_add_(x: f([4]), i: int([2], [0, 2]), v: f([2])) { x.shallow_clone().scatter_add_(0, i, v) }
    scatter_add_out(x: f([4]), o: out(), i: int([2], [0, 2]), v: f([2])) { x.scatter_add_out(o, 0, i, v) }
    index_add(x: f([4]), i: int([2], [0, 2]), v: f([2])) { x.index_add(0, i, v) }
    index_copy(x: f([4]), i: int([2], [0, 2]), v: f([2])) { x.index_copy(0, i, v) }
    index_reduce(x: f([4]), i: int([2], [0, 2]), v: f([2])) { x.index_reduce(0, i, v, "prod", true) }
    lerp(x: f([4]), y: f([4])) { x.lerp(y, 0.25) }
    lerp_tensor(x: f([4]), y: f([4]), w: f([4])) { x.lerp_tensor(y, w) }
    masked_scatter(x: f([4]), v: f([4])) { x.masked_scatter(&x.gt(0.), v) }
    put(x: f([4]), i: int([2], [0, 2]), v: f([2])) { x.put(i, v, true) }
    scatter(x: f([4]), i: int([2], [0, 2]), v: f([2])) { x.scatter(0, i, v) }
    scatter_reduce(x: f([4]), i: int([2], [0, 2]), v: f([2])) { x.scatter_reduce(0, i, v, "add") }
    cat(x: f([2, 3]), y: f([2, 3])) { Tensor::cat(&[x, y], 0) }
    concat(x: f([2, 3]), y: f([2, 3])) { Tensor::concat(&[x, y], 0) }
    concatenate(x: f([2, 3]), y: f([2, 3])) { Tensor::concatenate(&[x, y], 0) }
    stack(x: f([2, 3]), y: f([2, 3])) { Tensor::stack(&[x, y], 0) }
    hstack(x: f([2, 3]), y: f([2, 3])) { Tensor::hstack(&[x, y]) }
    vstack(x: f([2, 3]), y: f([2, 3])) { Tensor::vstack(&[x, y]) }
    dstack(x: f([2, 3]), y: f([2, 3])) { Tensor::dstack(&[x, y]) }
    column_stack(x: f([2, 3]), y: f([2, 3])) { Tensor::column_stack(&[x, y]) }
    row_stack(x: f([2, 3]), y: f([2, 3])) { Tensor::row_stack(&[x, y]) }
}
