//! Reductions with an output dtype, and those that write.
use super::{cases, f, out};
use tch::{Kind, Tensor};

cases! { CASES, kind;
    softmax(x: f([2, 3])) { x.softmax(-1, kind) }
    special_softmax(x: f([2, 3])) { x.special_softmax(-1, kind) }
    log_softmax(x: f([2, 3])) { x.log_softmax(-1, kind) }
    special_log_softmax(x: f([2, 3])) { x.special_log_softmax(-1, kind) }
    sum(x: f([2, 3])) { x.sum(kind) }
    sum_dim_intlist(x: f([2, 3])) { x.sum_dim_intlist(1, false, kind) }
    nansum(x: f([2, 3])) { x.nansum(1, false, kind) }
    prod(x: f([2, 3])) { x.prod(kind) }
    prod_dim_int(x: f([2, 3])) { x.prod_dim_int(1, false, kind) }
    cumsum(x: f([2, 3])) { x.cumsum(1, kind) }
    cumprod(x: f([2, 3])) { x.cumprod(1, kind) }
    linalg_norm(x: f([2, 3])) { x.linalg_norm(2., 1, false, kind) }
    linalg_norm_ord_str(x: f([2, 3])) { x.linalg_norm_ord_str("fro", None::<i64>, false, kind) }
    softmax_int_out(x: f([2, 3]), o: out()) { x.softmax_int_out(o, -1, None) }
    log_softmax_int_out(x: f([2, 3]), o: out()) { x.log_softmax_int_out(o, -1, None) }
    sum_out(x: f([2, 3]), o: out()) { x.sum_out(o, None) }
    sum_intlist_out(x: f([2, 3]), o: out()) { x.sum_intlist_out(o, 1, false, None) }
    nansum_out(x: f([2, 3]), o: out()) { x.nansum_out(o, 1, false, None) }
    prod_out(x: f([2, 3]), o: out()) { x.prod_out(o, None) }
    prod_int_out(x: f([2, 3]), o: out()) { x.prod_int_out(o, 1, false, None) }
    cumsum_(x: f([2, 3])) { x.shallow_clone().cumsum_(1, None) }
    cumsum_out(x: f([2, 3]), o: out()) { x.cumsum_out(o, 1, None) }
    cumprod_(x: f([2, 3])) { x.shallow_clone().cumprod_(1, None) }
    cumprod_out(x: f([2, 3]), o: out()) { x.cumprod_out(o, 1, None) }
    linalg_norm_out(x: f([2, 3]), o: out()) { x.linalg_norm_out(o, 2., 1, false, None) }
    linalg_norm_ord_str_out(x: f([2, 3]), o: out()) { x.linalg_norm_ord_str_out(o, "fro", None::<i64>, false, None) }
}
