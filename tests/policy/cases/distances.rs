//! Norms, distances, variances.
use super::{cases, f, out};
use tch::{Kind, Tensor};

cases! { CASES, kind;
    layer_norm(x: f([2, 4]), w: f([4]), b: f([4])) { x.layer_norm([4], Some(w), Some(b), 1e-5, true) }
    native_layer_norm(x: f([2, 4]), w: f([4]), b: f([4])) { x.native_layer_norm([4], Some(w), Some(b), 1e-5) }
    native_layer_norm_out(x: f([2, 4]), o: out(), p: out(), q: out(), w: f([4]), b: f([4])) { x.native_layer_norm_out(o, p, q, [4], Some(w), Some(b), 1e-5) }
    group_norm(x: f([2, 4, 3]), w: f([4]), b: f([4])) { x.group_norm(2, Some(w), Some(b), 1e-5, true) }
    rms_norm(x: f([2, 4]), w: f([4])) { x.rms_norm([4], Some(w), 1e-5) }
    norm(x: f([2, 3])) { x.norm() }
    norm_out(x: f([2, 3]), o: out()) { x.norm_out(o, 2., [1], false) }
    norm_scalar_out(x: f([2, 3]), o: out()) { x.norm_scalar_out(o) }
    norm_scalaropt_dim(x: f([2, 3])) { x.norm_scalaropt_dim(2., [1], true) }
    norm_except_dim(x: f([2, 3])) { Tensor::norm_except_dim(x, 2, 0) }
    frobenius_norm(x: f([2, 3])) { x.frobenius_norm([0, 1], false) }
    frobenius_norm_out(x: f([2, 3]), o: out()) { x.frobenius_norm_out(o, [0, 1], false) }
    nuclear_norm(x: f([2, 3])) { x.nuclear_norm(false) }
    nuclear_norm_out(x: f([2, 3]), o: out()) { x.nuclear_norm_out(o, false) }
    nuclear_norm_dim(x: f([2, 3])) { x.nuclear_norm_dim([0, 1], false) }
    nuclear_norm_dim_out(x: f([2, 3]), o: out()) { x.nuclear_norm_dim_out(o, [0, 1], false) }
    renorm(x: f([2, 3])) { x.renorm(2., 0, 0.5) }
    renorm_(x: f([2, 3])) { x.shallow_clone().renorm_(2., 0, 0.5) }
    renorm_out(x: f([2, 3]), o: out()) { x.renorm_out(o, 2., 0, 0.5) }
    dist(x: f([2, 3]), y: f([2, 3])) { x.dist(y) }
    dist_out(x: f([2, 3]), o: out(), y: f([2, 3])) { x.dist_out(o, y) }
    pdist(x: f([3, 3])) { x.pdist(2.) }
    cdist(x: f([2, 3]), y: f([4, 3])) { Tensor::cdist(x, y, 2., None) }
    pairwise_distance(x: f([2, 3]), y: f([2, 3])) { Tensor::pairwise_distance(x, y, 2., 1e-6, false) }
    cosine_similarity(x: f([2, 3]), y: f([2, 3])) { Tensor::cosine_similarity(x, y, 1, 1e-8) }
    var(x: f([2, 3])) { x.var(true) }
    var_out(x: f([2, 3]), o: out()) { x.var_out(o, 1, true, false) }
    var_dim(x: f([2, 3])) { x.var_dim(1, true, false) }
    var_correction(x: f([2, 3])) { x.var_correction(1, 1, false) }
    var_correction_out(x: f([2, 3]), o: out()) { x.var_correction_out(o, 1, 1, false) }
    var_mean(x: f([2, 3])) { x.var_mean(true) }
    var_mean_dim(x: f([2, 3])) { x.var_mean_dim(1, true, false) }
    var_mean_correction(x: f([2, 3])) { x.var_mean_correction(1, 1, false) }
    var_mean_correction_out(x: f([2, 3]), o: out(), p: out()) { x.var_mean_correction_out(o, p, 1, 1, false) }
    std(x: f([2, 3])) { x.std(true) }
    std_out(x: f([2, 3]), o: out()) { x.std_out(o, 1, true, false) }
    std_dim(x: f([2, 3])) { x.std_dim(1, true, false) }
    std_correction(x: f([2, 3])) { x.std_correction(1, 1, false) }
    std_correction_out(x: f([2, 3]), o: out()) { x.std_correction_out(o, 1, 1, false) }
    std_mean(x: f([2, 3])) { x.std_mean(true) }
    std_mean_dim(x: f([2, 3])) { x.std_mean_dim(1, true, false) }
    std_mean_correction(x: f([2, 3])) { x.std_mean_correction(1, 1, false) }
    std_mean_correction_out(x: f([2, 3]), o: out(), p: out()) { x.std_mean_correction_out(o, p, 1, 1, false) }
}
