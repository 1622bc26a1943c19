//! Decompositions, transforms, quantiles.
use super::{cases, f, spd};
use tch::{Kind, Tensor};

cases! { CASES, kind;
    linalg_svd(x: f([3, 3])) { Tensor::linalg_svd(x, true, "gesvd") }
    linalg_svdvals(x: f([3, 3])) { Tensor::linalg_svdvals(x, "gesvd") }
    linalg_eigh(x: spd(3)) { x.linalg_eigh("L") }
    linalg_eigvalsh(x: spd(3)) { x.linalg_eigvalsh("L") }
    linalg_eig(x: spd(3)) { x.linalg_eig() }
    linalg_eigvals(x: spd(3)) { x.linalg_eigvals() }
    linalg_qr(x: f([3, 3])) { Tensor::linalg_qr(x, "reduced") }
    linalg_cholesky(x: spd(3)) { x.linalg_cholesky(false) }
    linalg_inv(x: spd(3)) { Tensor::linalg_inv(x) }
    linalg_pinv(x: f([3, 2])) { x.linalg_pinv(1e-5, false) }
    linalg_solve(x: spd(3), y: f([3, 2])) { Tensor::linalg_solve(x, y, true) }
    linalg_solve_triangular(x: spd(3), y: f([3, 2])) { x.linalg_solve_triangular(y, true, true, false) }
    linalg_lstsq(x: f([4, 2]), y: f([4, 1])) { x.linalg_lstsq(y, None, "gels") }
    linalg_det(x: spd(3)) { Tensor::linalg_det(x) }
    linalg_slogdet(x: spd(3)) { Tensor::linalg_slogdet(x) }
    linalg_matrix_rank(x: spd(3)) { x.linalg_matrix_rank(1e-3, false) }
    linalg_matrix_exp(x: f([3, 3])) { x.linalg_matrix_exp() }
    linalg_matrix_power(x: f([3, 3])) { x.linalg_matrix_power(3) }
    linalg_cond(x: spd(3)) { x.linalg_cond(2) }
    linalg_tensorinv(x: f([4, 2, 2])) { x.linalg_tensorinv(1) }
    linalg_tensorsolve(x: f([4, 2, 2]), y: f([4])) { x.linalg_tensorsolve(y, None::<i64>) }
    svd(x: f([3, 3])) { x.svd(true, true) }
    qr(x: f([3, 3])) { x.qr(true) }
    cholesky(x: spd(3)) { x.cholesky(false) }
    cholesky_inverse(x: spd(3)) { x.cholesky_inverse(false) }
    cholesky_solve(y: f([3, 1]), x: spd(3)) { y.cholesky_solve(x, false) }
    inverse(x: spd(3)) { x.inverse() }
    pinverse(x: f([3, 2])) { x.pinverse(1e-5) }
    det(x: spd(3)) { x.det() }
    logdet(x: spd(3)) { x.logdet() }
    slogdet(x: spd(3)) { x.slogdet() }
    matrix_exp(x: f([3, 3])) { x.matrix_exp() }
    matrix_power(x: f([3, 3])) { x.matrix_power(3) }
    fft_fft(x: f([6])) { x.fft_fft(None, -1, "backward") }
    fft_ifft(x: f([6])) { x.fft_ifft(None, -1, "backward") }
    fft_rfft(x: f([6])) { x.fft_rfft(None, -1, "backward") }
    fft_irfft(x: f([6])) { x.fft_irfft(None, -1, "backward") }
    fft_hfft(x: f([6])) { x.fft_hfft(None, -1, "backward") }
    fft_ihfft(x: f([6])) { x.fft_ihfft(None, -1, "backward") }
    fft_fft2(x: f([6, 6])) { x.fft_fft2(None::<i64>, [-2, -1], "backward") }
    fft_ifft2(x: f([6, 6])) { x.fft_ifft2(None::<i64>, [-2, -1], "backward") }
    fft_rfft2(x: f([6, 6])) { x.fft_rfft2(None::<i64>, [-2, -1], "backward") }
    fft_irfft2(x: f([6, 6])) { x.fft_irfft2(None::<i64>, [-2, -1], "backward") }
    fft_fftn(x: f([6, 6])) { x.fft_fftn(None::<i64>, None::<i64>, "backward") }
    fft_ifftn(x: f([6, 6])) { x.fft_ifftn(None::<i64>, None::<i64>, "backward") }
    fft_rfftn(x: f([6, 6])) { x.fft_rfftn(None::<i64>, None::<i64>, "backward") }
    fft_irfftn(x: f([6, 6])) { x.fft_irfftn(None::<i64>, None::<i64>, "backward") }
    stft(x: f([16]), w: f([4])) { x.stft(4, 2, 4, Some(w), false, true, true, false) }
    stft_center(x: f([16]), w: f([4])) { x.stft_center(4, 2, 4, Some(w), false, "reflect", false, true, true, false) }
    quantile(x: f([2, 3]), q: f([2])) { x.quantile(q, 1, false, "linear") }
    quantile_scalar(x: f([2, 3])) { x.quantile_scalar(0.3, 1, false, "linear") }
    nanquantile(x: f([2, 3]), q: f([2])) { x.nanquantile(q, 1, false, "linear") }
    nanquantile_scalar(x: f([2, 3])) { x.nanquantile_scalar(0.3, 1, false, "linear") }
}
