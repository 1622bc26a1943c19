//! Matrix products, attention, `prelu`.
use super::{cases, f, out, signed};
use tch::{Kind, Tensor};

cases! { CASES, kind;
    matmul(a: f([2, 3]), b: f([3, 4])) { a.matmul(b) }
    matmul_out(a: f([2, 3]), o: out(), b: f([3, 4])) { a.matmul_out(o, b) }
    mm(a: f([2, 3]), b: f([3, 4])) { a.mm(b) }
    mm_out(a: f([2, 3]), o: out(), b: f([3, 4])) { a.mm_out(o, b) }
    bmm(a: f([2, 2, 3]), b: f([2, 3, 4])) { a.bmm(b) }
    bmm_out(a: f([2, 2, 3]), o: out(), b: f([2, 3, 4])) { a.bmm_out(o, b) }
    mv(a: f([2, 3]), b: f([3])) { a.mv(b) }
    mv_out(a: f([2, 3]), o: out(), b: f([3])) { a.mv_out(o, b) }
    linear(x: f([2, 3]), w: f([4, 3]), b: f([4])) { x.linear(w, Some(b)) }
    linear_out(x: f([2, 3]), o: out(), w: f([4, 3]), b: f([4])) { x.linear_out(o, w, Some(b)) }
    addmm(m: f([2, 4]), a: f([2, 3]), b: f([3, 4])) { m.addmm(a, b) }
    addmm_(m: f([2, 4]), a: f([2, 3]), b: f([3, 4])) { m.shallow_clone().addmm_(a, b) }
    addmm_out(m: f([2, 4]), o: out(), a: f([2, 3]), b: f([3, 4])) { m.addmm_out(o, a, b) }
    addmv(m: f([2]), a: f([2, 3]), b: f([3])) { m.addmv(a, b) }
    addmv_(m: f([2]), a: f([2, 3]), b: f([3])) { m.shallow_clone().addmv_(a, b) }
    addmv_out(m: f([2]), o: out(), a: f([2, 3]), b: f([3])) { m.addmv_out(o, a, b) }
    addr(m: f([2, 3]), a: f([2]), b: f([3])) { m.addr(a, b) }
    addr_(m: f([2, 3]), a: f([2]), b: f([3])) { m.shallow_clone().addr_(a, b) }
    addr_out(m: f([2, 3]), o: out(), a: f([2]), b: f([3])) { m.addr_out(o, a, b) }
    addbmm(m: f([2, 4]), a: f([2, 2, 3]), b: f([2, 3, 4])) { m.addbmm(a, b) }
    addbmm_(m: f([2, 4]), a: f([2, 2, 3]), b: f([2, 3, 4])) { m.shallow_clone().addbmm_(a, b) }
    addbmm_out(m: f([2, 4]), o: out(), a: f([2, 2, 3]), b: f([2, 3, 4])) { m.addbmm_out(o, a, b) }
    baddbmm(m: f([2, 2, 4]), a: f([2, 2, 3]), b: f([2, 3, 4])) { m.baddbmm(a, b, 0.5, 2.) }
    baddbmm_(m: f([2, 2, 4]), a: f([2, 2, 3]), b: f([2, 3, 4])) { m.shallow_clone().baddbmm_(a, b) }
    baddbmm_out(m: f([2, 2, 4]), o: out(), a: f([2, 2, 3]), b: f([2, 3, 4])) { m.baddbmm_out(o, a, b) }
    linalg_matmul(a: f([2, 3]), b: f([3, 4])) { a.linalg_matmul(b) }
    linalg_matmul_out(a: f([2, 3]), o: out(), b: f([3, 4])) { a.linalg_matmul_out(o, b) }
    linalg_vecdot(a: f([2, 3]), b: f([2, 3])) { Tensor::linalg_vecdot(a, b, 1) }
    linalg_vecdot_out(o: out(), a: f([2, 3]), b: f([2, 3])) { Tensor::linalg_vecdot_out(o, a, b, 1) }
    einsum(a: f([2, 3]), b: f([3, 4])) { Tensor::einsum("ij,jk->ki", &[a, b], None::<i64>) }
    chain_matmul(a: f([2, 3]), b: f([3, 4]), c: f([4, 2])) { Tensor::chain_matmul(&[a, b, c]) }
    chain_matmul_out(o: out(), a: f([2, 3]), b: f([3, 4]), c: f([4, 2])) { Tensor::chain_matmul_out(o, &[a, b, c]) }
    linalg_multi_dot(a: f([2, 3]), b: f([3, 4]), c: f([4, 2])) { Tensor::linalg_multi_dot(&[a, b, c]) }
    linalg_multi_dot_out(o: out(), a: f([2, 3]), b: f([3, 4]), c: f([4, 2])) { Tensor::linalg_multi_dot_out(o, &[a, b, c]) }
    scaled_dot_product_attention(q: f([1, 2, 4, 8]), k: f([1, 2, 4, 8]), v: f([1, 2, 4, 8]), m: f([4, 4])) { Tensor::scaled_dot_product_attention(q, k, v, Some(m), 0., false, None, false) }
    internal_scaled_dot_product_attention_math(q: f([1, 2, 4, 8]), k: f([1, 2, 4, 8]), v: f([1, 2, 4, 8]), m: f([4, 4])) { Tensor::internal_scaled_dot_product_attention_math(q, k, v, Some(m), 0., false, None, None, false) }
    internal_scaled_dot_product_flash_attention_for_cpu(q: f([1, 2, 4, 8]), k: f([1, 2, 4, 8]), v: f([1, 2, 4, 8]), m: f([4, 4])) { Tensor::internal_scaled_dot_product_flash_attention_for_cpu(q, k, v, 0., false, Some(m), None) }
    internal_scaled_dot_product_efficient_attention(q: f([1, 2, 8, 8]), k: f([1, 2, 8, 8]), v: f([1, 2, 8, 8])) { Tensor::internal_scaled_dot_product_efficient_attention(q, k, v, None::<&Tensor>, false, 0., false, None) }
    prelu(x: signed([2, 3]), w: f([3])) { x.prelu(w) }
}
