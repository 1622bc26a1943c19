//! What runs in full: losses; and the one that is banned.
use crate::policy::op::{Class, Op};
use crate::policy::reason;
use crate::policy::row::{function, group, method};

pub(super) static ROWS: &[&[Op]] = &[
    &group(
        Class::Full,
        reason::LOSS,
        [
            method("cross_entropy_for_logits", 1, &[0]).own(),
            method("cross_entropy_loss", 5, &[0, 1, 2]),
            method("nll_loss", 1, &[0]).own(),
            method("nll_loss_out", 5, &[0, 1, 3]).writes(),
            method("g_nll_loss", 4, &[0, 2]).of("nll_loss"),
            method("nll_loss_nd", 4, &[0, 2]),
            method("nll_loss2d", 4, &[0, 2]),
            method("nll_loss2d_out", 5, &[0, 1, 3]).writes(),
            method("binary_cross_entropy_with_logits", 4, &[0, 1, 2, 3]),
            method("binary_cross_entropy_with_logits_out", 5, &[0, 1, 2, 3, 4]).writes(),
            method("mse_loss", 2, &[0, 1]),
            method("mse_loss_out", 3, &[0, 1, 2]).writes(),
            method("l1_loss", 2, &[0, 1]),
            method("smooth_l1_loss", 3, &[0, 1]),
            method("smooth_l1_loss_out", 4, &[0, 1, 2]).writes(),
            method("huber_loss", 3, &[0, 1]),
            method("huber_loss_out", 4, &[0, 1, 2]).writes(),
            method("kl_div", 3, &[0, 1]),
            method("poisson_nll_loss", 5, &[0, 1]),
            method("soft_margin_loss", 2, &[0, 1]),
            method("soft_margin_loss_out", 3, &[0, 1, 2]).writes(),
            method("hinge_embedding_loss", 3, &[0, 1]),
            function("cosine_embedding_loss", 5, &[0, 1, 2]),
            function("margin_ranking_loss", 5, &[0, 1, 2]),
            method("multilabel_margin_loss", 2, &[0]),
            method("multilabel_margin_loss_out", 3, &[0, 1]).writes(),
            function("triplet_margin_loss", 8, &[0, 1, 2]),
            function("ctc_loss", 7, &[0]).of("ctc_loss.IntList"),
            function("ctc_loss_tensor", 7, &[0]).of("ctc_loss.Tensor"),
        ],
    ),
    &group(
        Class::Banned,
        reason::BANNED,
        [
            method("binary_cross_entropy", 3, &[0, 1, 2]),
            method("binary_cross_entropy_out", 4, &[0, 1, 2, 3]).writes(),
        ],
    ),
];
