//! Functions of single elements, and `logsumexp`.
use super::{cases, f, out};
use tch::{Kind, Tensor};

cases! { CASES, kind;
    exp(x: f([2, 3])) { x.exp() }
    exp_(x: f([2, 3])) { x.shallow_clone().exp_() }
    exp_out(x: f([2, 3]), o: out()) { x.exp_out(o) }
    exp2(x: f([2, 3])) { x.exp2() }
    exp2_(x: f([2, 3])) { x.shallow_clone().exp2_() }
    exp2_out(x: f([2, 3]), o: out()) { x.exp2_out(o) }
    expm1(x: f([2, 3])) { x.expm1() }
    expm1_(x: f([2, 3])) { x.shallow_clone().expm1_() }
    expm1_out(x: f([2, 3]), o: out()) { x.expm1_out(o) }
    cosh(x: f([2, 3])) { x.cosh() }
    cosh_(x: f([2, 3])) { x.shallow_clone().cosh_() }
    cosh_out(x: f([2, 3]), o: out()) { x.cosh_out(o) }
    sinh(x: f([2, 3])) { x.sinh() }
    sinh_(x: f([2, 3])) { x.shallow_clone().sinh_() }
    sinh_out(x: f([2, 3]), o: out()) { x.sinh_out(o) }
    tan(x: f([2, 3])) { x.tan() }
    tan_(x: f([2, 3])) { x.shallow_clone().tan_() }
    tan_out(x: f([2, 3]), o: out()) { x.tan_out(o) }
    square(x: f([2, 3])) { x.square() }
    square_(x: f([2, 3])) { x.shallow_clone().square_() }
    square_out(x: f([2, 3]), o: out()) { x.square_out(o) }
    special_exp2(x: f([2, 3])) { x.special_exp2() }
    special_exp2_out(x: f([2, 3]), o: out()) { x.special_exp2_out(o) }
    special_expm1(x: f([2, 3])) { x.special_expm1() }
    special_expm1_out(x: f([2, 3]), o: out()) { x.special_expm1_out(o) }
    pow(x: f([2, 3]), y: f([2, 3])) { x.pow(y) }
    pow_(x: f([2, 3])) { x.shallow_clone().pow_(2.5) }
    pow_tensor_(x: f([2, 3]), y: f([2, 3])) { x.shallow_clone().pow_tensor_(y) }
    pow_tensor_tensor_out(x: f([2, 3]), o: out(), y: f([2, 3])) { x.pow_tensor_tensor_out(o, y) }
    pow_scalar(x: f([2, 3])) { Tensor::pow_scalar(2.5, x) }
    pow_scalar_out(o: out(), x: f([2, 3])) { Tensor::pow_scalar_out(o, 2.5, x) }
    pow_tensor_scalar(x: f([2, 3])) { x.pow_tensor_scalar(2.5) }
    pow_tensor_scalar_out(x: f([2, 3]), o: out()) { x.pow_tensor_scalar_out(o, 2.5) }
    reciprocal(x: f([2, 3])) { x.reciprocal() }
    reciprocal_(x: f([2, 3])) { x.shallow_clone().reciprocal_() }
    reciprocal_out(x: f([2, 3]), o: out()) { x.reciprocal_out(o) }
    rsqrt(x: f([2, 3])) { x.rsqrt() }
    rsqrt_(x: f([2, 3])) { x.shallow_clone().rsqrt_() }
    rsqrt_out(x: f([2, 3]), o: out()) { x.rsqrt_out(o) }
    log(x: f([2, 3])) { x.log() }
    log_(x: f([2, 3])) { x.shallow_clone().log_() }
    log_out(x: f([2, 3]), o: out()) { x.log_out(o) }
    log10(x: f([2, 3])) { x.log10() }
    log10_(x: f([2, 3])) { x.shallow_clone().log10_() }
    log10_out(x: f([2, 3]), o: out()) { x.log10_out(o) }
    log1p(x: f([2, 3])) { x.log1p() }
    log1p_(x: f([2, 3])) { x.shallow_clone().log1p_() }
    log1p_out(x: f([2, 3]), o: out()) { x.log1p_out(o) }
    log2(x: f([2, 3])) { x.log2() }
    log2_(x: f([2, 3])) { x.shallow_clone().log2_() }
    log2_out(x: f([2, 3]), o: out()) { x.log2_out(o) }
    special_log1p(x: f([2, 3])) { x.special_log1p() }
    special_log1p_out(x: f([2, 3]), o: out()) { x.special_log1p_out(o) }
    softplus(x: f([2, 3])) { x.softplus() }
    softplus_out(x: f([2, 3]), o: out()) { x.softplus_out(o) }
    logaddexp(x: f([2, 3]), y: f([2, 3])) { x.logaddexp(y) }
    logaddexp_out(x: f([2, 3]), o: out(), y: f([2, 3])) { x.logaddexp_out(o, y) }
    logaddexp2(x: f([2, 3]), y: f([2, 3])) { x.logaddexp2(y) }
    logaddexp2_out(x: f([2, 3]), o: out(), y: f([2, 3])) { x.logaddexp2_out(o, y) }
    logsumexp(x: f([2, 3])) { x.logsumexp(1, false) }
    logsumexp_out(x: f([2, 3]), o: out()) { x.logsumexp_out(o, 1, false) }
    special_logsumexp(x: f([2, 3])) { x.special_logsumexp(1, false) }
    special_logsumexp_out(x: f([2, 3]), o: out()) { x.special_logsumexp_out(o, 1, false) }
    logcumsumexp(x: f([2, 3])) { x.logcumsumexp(1) }
    logcumsumexp_out(x: f([2, 3]), o: out()) { x.logcumsumexp_out(o, 1) }
    acos(x: f([2, 3])) { x.acos() }
    acos_(x: f([2, 3])) { x.shallow_clone().acos_() }
    acos_out(x: f([2, 3]), o: out()) { x.acos_out(o) }
    arccos(x: f([2, 3])) { x.arccos() }
    arccos_(x: f([2, 3])) { x.shallow_clone().arccos_() }
    arccos_out(x: f([2, 3]), o: out()) { x.arccos_out(o) }
    asin(x: f([2, 3])) { x.asin() }
    asin_(x: f([2, 3])) { x.shallow_clone().asin_() }
    asin_out(x: f([2, 3]), o: out()) { x.asin_out(o) }
    arcsin(x: f([2, 3])) { x.arcsin() }
    arcsin_(x: f([2, 3])) { x.shallow_clone().arcsin_() }
    arcsin_out(x: f([2, 3]), o: out()) { x.arcsin_out(o) }
    erfinv(x: f([2, 3])) { x.erfinv() }
    erfinv_(x: f([2, 3])) { x.shallow_clone().erfinv_() }
    erfinv_out(x: f([2, 3]), o: out()) { x.erfinv_out(o) }
    special_erfinv(x: f([2, 3])) { x.special_erfinv() }
    special_erfinv_out(x: f([2, 3]), o: out()) { x.special_erfinv_out(o) }
}
