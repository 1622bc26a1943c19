//! What runs in full: upsampling.
use crate::policy::op::{Class, Op};
use crate::policy::reason;
use crate::policy::row::{group, method};

pub(super) static ROWS: &[&[Op]] = &[&group(
    Class::Full,
    reason::INTERPOLATION,
    [
        method("upsample_nearest1d", 2, &[0]),
        method("upsample_nearest1d_out", 3, &[0, 1]).writes(),
        method("upsample_nearest1d_vec", 2, &[0]).of("upsample_nearest1d.vec"),
        method("internal_upsample_nearest_exact1d", 2, &[0]).of("_upsample_nearest_exact1d"),
        method("internal_upsample_nearest_exact1d_out", 3, &[0, 1])
            .writes()
            .of("_upsample_nearest_exact1d_out"),
        method("internal_upsample_nearest_exact1d_vec", 2, &[0]).of("_upsample_nearest_exact1d.vec"),
        method("upsample_nearest2d", 3, &[0]),
        method("upsample_nearest2d_out", 4, &[0, 1]).writes(),
        method("upsample_nearest2d_vec", 2, &[0]).of("upsample_nearest2d.vec"),
        method("upsample_nearest2d_vec_out", 3, &[0, 1]).writes().of("upsample_nearest2d_out"),
        method("internal_upsample_nearest_exact2d", 3, &[0]).of("_upsample_nearest_exact2d"),
        method("internal_upsample_nearest_exact2d_out", 4, &[0, 1])
            .writes()
            .of("_upsample_nearest_exact2d_out"),
        method("internal_upsample_nearest_exact2d_vec", 2, &[0]).of("_upsample_nearest_exact2d.vec"),
        method("upsample_nearest3d", 4, &[0]),
        method("upsample_nearest3d_out", 5, &[0, 1]).writes(),
        method("upsample_nearest3d_vec", 2, &[0]).of("upsample_nearest3d.vec"),
        method("internal_upsample_nearest_exact3d", 4, &[0]).of("_upsample_nearest_exact3d"),
        method("internal_upsample_nearest_exact3d_out", 5, &[0, 1])
            .writes()
            .of("_upsample_nearest_exact3d_out"),
        method("internal_upsample_nearest_exact3d_vec", 2, &[0]).of("_upsample_nearest_exact3d.vec"),
        method("upsample_linear1d", 3, &[0]),
        method("upsample_linear1d_out", 4, &[0, 1]).writes(),
        method("upsample_linear1d_vec", 3, &[0]).of("upsample_linear1d.vec"),
        method("upsample_bilinear2d", 4, &[0]),
        method("upsample_bilinear2d_out", 5, &[0, 1]).writes(),
        method("upsample_bilinear2d_vec", 3, &[0]).of("upsample_bilinear2d.vec"),
        method("upsample_bilinear2d_vec_out", 4, &[0, 1]).writes().of("upsample_bilinear2d_out"),
        method("internal_upsample_bilinear2d_aa", 4, &[0]).of("_upsample_bilinear2d_aa"),
        method("internal_upsample_bilinear2d_aa_out", 5, &[0, 1]).writes().of("_upsample_bilinear2d_aa_out"),
        method("internal_upsample_bilinear2d_aa_vec", 3, &[0]).of("_upsample_bilinear2d_aa.vec"),
        method("upsample_trilinear3d", 5, &[0]),
        method("upsample_trilinear3d_out", 6, &[0, 1]).writes(),
        method("upsample_trilinear3d_vec", 3, &[0]).of("upsample_trilinear3d.vec"),
        method("upsample_bicubic2d", 4, &[0]),
        method("upsample_bicubic2d_out", 5, &[0, 1]).writes(),
        method("upsample_bicubic2d_vec", 3, &[0]).of("upsample_bicubic2d.vec"),
        method("internal_upsample_bicubic2d_aa", 4, &[0]).of("_upsample_bicubic2d_aa"),
        method("internal_upsample_bicubic2d_aa_out", 5, &[0, 1]).writes().of("_upsample_bicubic2d_aa_out"),
        method("internal_upsample_bicubic2d_aa_vec", 3, &[0]).of("_upsample_bicubic2d_aa.vec"),
    ],
)];
