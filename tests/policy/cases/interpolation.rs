//! Upsampling.
use super::{cases, f, out};
use tch::{Kind, Tensor};

cases! { CASES, kind;
    upsample_nearest1d(x: f([1, 2, 3])) { x.upsample_nearest1d([5], None) }
    upsample_nearest1d_out(x: f([1, 2, 3]), o: out()) { x.upsample_nearest1d_out(o, [5], None) }
    upsample_nearest1d_vec(x: f([1, 2, 3])) { x.upsample_nearest1d_vec(None::<i64>, [1.7]) }
    internal_upsample_nearest_exact1d(x: f([1, 2, 3])) { x.internal_upsample_nearest_exact1d([5], None) }
    internal_upsample_nearest_exact1d_out(x: f([1, 2, 3]), o: out()) { x.internal_upsample_nearest_exact1d_out(o, [5], None) }
    internal_upsample_nearest_exact1d_vec(x: f([1, 2, 3])) { x.internal_upsample_nearest_exact1d_vec(None::<i64>, [1.7]) }
    upsample_nearest2d(x: f([1, 2, 3, 3])) { x.upsample_nearest2d([5, 5], None, None) }
    upsample_nearest2d_out(x: f([1, 2, 3, 3]), o: out()) { x.upsample_nearest2d_out(o, [5, 5], None, None) }
    upsample_nearest2d_vec(x: f([1, 2, 3, 3])) { x.upsample_nearest2d_vec(None::<i64>, [1.7, 1.7]) }
    upsample_nearest2d_vec_out(x: f([1, 2, 3, 3]), o: out()) { x.upsample_nearest2d_vec_out(o, None::<i64>, [1.7, 1.7]) }
    internal_upsample_nearest_exact2d(x: f([1, 2, 3, 3])) { x.internal_upsample_nearest_exact2d([5, 5], None, None) }
    internal_upsample_nearest_exact2d_out(x: f([1, 2, 3, 3]), o: out()) { x.internal_upsample_nearest_exact2d_out(o, [5, 5], None, None) }
    internal_upsample_nearest_exact2d_vec(x: f([1, 2, 3, 3])) { x.internal_upsample_nearest_exact2d_vec(None::<i64>, [1.7, 1.7]) }
    upsample_nearest3d(x: f([1, 2, 3, 3, 3])) { x.upsample_nearest3d([5, 5, 5], None, None, None) }
    upsample_nearest3d_out(x: f([1, 2, 3, 3, 3]), o: out()) { x.upsample_nearest3d_out(o, [5, 5, 5], None, None, None) }
    upsample_nearest3d_vec(x: f([1, 2, 3, 3, 3])) { x.upsample_nearest3d_vec(None::<i64>, [1.7, 1.7, 1.7]) }
    internal_upsample_nearest_exact3d(x: f([1, 2, 3, 3, 3])) { x.internal_upsample_nearest_exact3d([5, 5, 5], None, None, None) }
    internal_upsample_nearest_exact3d_out(x: f([1, 2, 3, 3, 3]), o: out()) { x.internal_upsample_nearest_exact3d_out(o, [5, 5, 5], None, None, None) }
    internal_upsample_nearest_exact3d_vec(x: f([1, 2, 3, 3, 3])) { x.internal_upsample_nearest_exact3d_vec(None::<i64>, [1.7, 1.7, 1.7]) }
    upsample_linear1d(x: f([1, 2, 3])) { x.upsample_linear1d([5], true, None) }
    upsample_linear1d_out(x: f([1, 2, 3]), o: out()) { x.upsample_linear1d_out(o, [5], true, None) }
    upsample_linear1d_vec(x: f([1, 2, 3])) { x.upsample_linear1d_vec(None::<i64>, true, [1.7]) }
    upsample_bilinear2d(x: f([1, 2, 3, 3])) { x.upsample_bilinear2d([5, 5], true, None, None) }
    upsample_bilinear2d_out(x: f([1, 2, 3, 3]), o: out()) { x.upsample_bilinear2d_out(o, [5, 5], true, None, None) }
    upsample_bilinear2d_vec(x: f([1, 2, 3, 3])) { x.upsample_bilinear2d_vec(None::<i64>, true, [1.7, 1.7]) }
    upsample_bilinear2d_vec_out(x: f([1, 2, 3, 3]), o: out()) { x.upsample_bilinear2d_vec_out(o, None::<i64>, true, [1.7, 1.7]) }
    internal_upsample_bilinear2d_aa(x: f([1, 2, 3, 3])) { x.internal_upsample_bilinear2d_aa([5, 5], true, None, None) }
    internal_upsample_bilinear2d_aa_out(x: f([1, 2, 3, 3]), o: out()) { x.internal_upsample_bilinear2d_aa_out(o, [5, 5], true, None, None) }
    internal_upsample_bilinear2d_aa_vec(x: f([1, 2, 3, 3])) { x.internal_upsample_bilinear2d_aa_vec(None::<i64>, true, [1.7, 1.7]) }
    upsample_trilinear3d(x: f([1, 2, 3, 3, 3])) { x.upsample_trilinear3d([5, 5, 5], true, None, None, None) }
    upsample_trilinear3d_out(x: f([1, 2, 3, 3, 3]), o: out()) { x.upsample_trilinear3d_out(o, [5, 5, 5], true, None, None, None) }
    upsample_trilinear3d_vec(x: f([1, 2, 3, 3, 3])) { x.upsample_trilinear3d_vec(None::<i64>, true, [1.7, 1.7, 1.7]) }
    upsample_bicubic2d(x: f([1, 2, 3, 3])) { x.upsample_bicubic2d([5, 5], true, None, None) }
    upsample_bicubic2d_out(x: f([1, 2, 3, 3]), o: out()) { x.upsample_bicubic2d_out(o, [5, 5], true, None, None) }
    upsample_bicubic2d_vec(x: f([1, 2, 3, 3])) { x.upsample_bicubic2d_vec(None::<i64>, true, [1.7, 1.7]) }
    internal_upsample_bicubic2d_aa(x: f([1, 2, 3, 3])) { x.internal_upsample_bicubic2d_aa([5, 5], true, None, None) }
    internal_upsample_bicubic2d_aa_out(x: f([1, 2, 3, 3]), o: out()) { x.internal_upsample_bicubic2d_aa_out(o, [5, 5], true, None, None) }
    internal_upsample_bicubic2d_aa_vec(x: f([1, 2, 3, 3])) { x.internal_upsample_bicubic2d_aa_vec(None::<i64>, true, [1.7, 1.7]) }
}
