//! Losses.
use super::{cases, f, int, ones, out};
use tch::{Kind, Reduction, Tensor};

cases! { CASES, kind;
    cross_entropy_for_logits(x: f([2, 3]), t: int([2], [0, 2])) { x.cross_entropy_for_logits(t) }
    cross_entropy_loss(x: f([2, 3]), t: f([2, 3]), w: f([3])) { x.cross_entropy_loss(t, Some(w), Reduction::Mean, -100, 0.1) }
    nll_loss(x: f([2, 3]), t: int([2], [0, 2])) { x.nll_loss(t) }
    nll_loss_out(x: f([2, 3]), o: out(), t: int([2], [0, 2]), w: f([3])) { x.nll_loss_out(o, t, Some(w), Reduction::Mean, -100) }
    g_nll_loss(x: f([2, 3]), t: int([2], [0, 2]), w: f([3])) { x.g_nll_loss(t, Some(w), Reduction::Mean, -100) }
    nll_loss_nd(x: f([2, 3]), t: int([2], [0, 2]), w: f([3])) { x.nll_loss_nd(t, Some(w), Reduction::Mean, -100) }
    nll_loss2d(x: f([1, 3, 2, 2]), t: int([1, 2, 2], [0, 2, 1, 1]), w: f([3])) { x.nll_loss2d(t, Some(w), Reduction::Mean, -100) }
    nll_loss2d_out(x: f([1, 3, 2, 2]), o: out(), t: int([1, 2, 2], [0, 2, 1, 1]), w: f([3])) { x.nll_loss2d_out(o, t, Some(w), Reduction::Mean, -100) }
    binary_cross_entropy_with_logits(x: f([2, 3]), t: f([2, 3]), w: f([3]), p: f([3])) { x.binary_cross_entropy_with_logits(t, Some(w), Some(p), Reduction::Mean) }
    binary_cross_entropy_with_logits_out(x: f([2, 3]), o: out(), t: f([2, 3]), w: f([3]), p: f([3])) { x.binary_cross_entropy_with_logits_out(o, t, Some(w), Some(p), Reduction::Mean) }
    mse_loss(x: f([2, 3]), t: f([2, 3])) { x.mse_loss(t, Reduction::Mean) }
    mse_loss_out(x: f([2, 3]), o: out(), t: f([2, 3])) { x.mse_loss_out(o, t, Reduction::None) }
    l1_loss(x: f([2, 3]), t: f([2, 3])) { x.l1_loss(t, Reduction::Mean) }
    smooth_l1_loss(x: f([2, 3]), t: f([2, 3])) { x.smooth_l1_loss(t, Reduction::Mean, 0.3) }
    smooth_l1_loss_out(x: f([2, 3]), o: out(), t: f([2, 3])) { x.smooth_l1_loss_out(o, t, Reduction::None, 0.3) }
    huber_loss(x: f([2, 3]), t: f([2, 3])) { x.huber_loss(t, Reduction::Mean, 0.3) }
    huber_loss_out(x: f([2, 3]), o: out(), t: f([2, 3])) { x.huber_loss_out(o, t, Reduction::None, 0.3) }
    kl_div(x: f([2, 3]), t: f([2, 3])) { x.kl_div(t, Reduction::Mean, false) }
    poisson_nll_loss(x: f([2, 3]), t: f([2, 3])) { x.poisson_nll_loss(t, true, true, 1e-8, Reduction::Mean) }
    soft_margin_loss(x: f([2, 3]), t: ones([2, 3])) { x.soft_margin_loss(t, Reduction::Mean) }
    soft_margin_loss_out(x: f([2, 3]), o: out(), t: ones([2, 3])) { x.soft_margin_loss_out(o, t, Reduction::Mean) }
    hinge_embedding_loss(x: f([2, 3]), t: ones([2, 3])) { x.hinge_embedding_loss(t, 1., Reduction::Mean) }
    cosine_embedding_loss(x: f([2, 3]), y: f([2, 3]), t: ones([2])) { Tensor::cosine_embedding_loss(x, y, t, 0.1, Reduction::Mean) }
    margin_ranking_loss(x: f([2]), y: f([2]), t: ones([2])) { Tensor::margin_ranking_loss(x, y, t, 0.5, Reduction::Mean) }
    multilabel_margin_loss(x: f([3]), t: int([3], [2, -1, 0])) { x.multilabel_margin_loss(t, Reduction::Mean) }
    multilabel_margin_loss_out(x: f([3]), o: out(), t: int([3], [2, -1, 0])) { x.multilabel_margin_loss_out(o, t, Reduction::Mean) }
    triplet_margin_loss(a: f([2, 3]), p: f([2, 3]), n: f([2, 3])) { Tensor::triplet_margin_loss(a, p, n, 1., 2., 1e-6, false, Reduction::Mean) }
    ctc_loss(x: f([4, 1, 3]), t: int([1, 2], [1, 2])) { Tensor::ctc_loss(x, t, [4], [2], 0, Reduction::Mean, false) }
    ctc_loss_tensor(x: f([4, 1, 3]), t: int([1, 2], [1, 2])) { Tensor::ctc_loss_tensor(x, t, &Tensor::from_slice(&[4i64]), &Tensor::from_slice(&[2i64]), 0, Reduction::Mean, false) }
}
