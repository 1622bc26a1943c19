//! Convolutions.
use super::{cases, f, out};
use tch::{Kind, Tensor};

cases! { CASES, kind;
    conv1d(x: f([1, 2, 8]), w: f([3, 2, 3]), b: f([3])) { x.conv1d(w, Some(b), 1, 0, 1, 1) }
    conv2d(x: f([1, 2, 6, 6]), w: f([3, 2, 3, 3]), b: f([3])) { x.conv2d(w, Some(b), 1, 1, 1, 1) }
    conv3d(x: f([1, 2, 4, 4, 4]), w: f([3, 2, 3, 3, 3]), b: f([3])) { x.conv3d(w, Some(b), 1, 0, 1, 1) }
    conv1d_padding(x: f([1, 2, 8]), w: f([3, 2, 3]), b: f([3])) { x.conv1d_padding(w, Some(b), 1, "same", 1, 1) }
    conv2d_padding(x: f([1, 2, 6, 6]), w: f([3, 2, 3, 3])) { x.conv2d_padding(w, None::<&Tensor>, 1, "same", 1, 1) }
    conv3d_padding(x: f([1, 2, 4, 4, 4]), w: f([3, 2, 3, 3, 3])) { x.conv3d_padding(w, None::<&Tensor>, 1, "valid", 1, 1) }
    conv_tbc(x: f([5, 1, 2]), w: f([3, 2, 3]), b: f([3])) { x.conv_tbc(w, b, 0) }
    conv_tbc_out(x: f([5, 1, 2]), o: out(), w: f([3, 2, 3]), b: f([3])) { x.conv_tbc_out(o, w, b, 0) }
    conv_transpose1d(x: f([1, 2, 5]), w: f([2, 3, 3]), b: f([3])) { x.conv_transpose1d(w, Some(b), 2, 1, 1, 1, 1) }
    conv_transpose2d(x: f([1, 2, 5, 5]), w: f([2, 3, 3, 3]), b: f([3])) { x.conv_transpose2d(w, Some(b), 2, 1, 1, 1, 1) }
    conv_transpose3d(x: f([1, 2, 3, 3, 3]), w: f([2, 3, 3, 3, 3])) { x.conv_transpose3d(w, None::<&Tensor>, 1, 0, 0, 1, 1) }
    convolution(x: f([1, 2, 6, 6]), w: f([3, 2, 3, 3]), b: f([3])) { x.convolution(w, Some(b), [1, 1], [0, 0], [1, 1], false, [0, 0], 1) }
    convolution_out(x: f([1, 2, 6, 6]), o: out(), w: f([3, 2, 3, 3]), b: f([3])) { x.convolution_out(o, w, Some(b), [1, 1], [0, 0], [1, 1], false, [0, 0], 1) }
    internal_convolution(x: f([1, 2, 6, 6]), w: f([3, 2, 3, 3]), b: f([3])) { x.internal_convolution(w, Some(b), [1, 1], [0, 0], [1, 1], false, [0, 0], 1, false, false, true, true) }
    internal_convolution_out(x: f([1, 2, 6, 6]), o: out(), w: f([3, 2, 3, 3]), b: f([3])) { x.internal_convolution_out(o, w, Some(b), [1, 1], [0, 0], [1, 1], false, [0, 0], 1, false, false, true, true) }
    internal_convolution_deprecated(x: f([1, 2, 6, 6]), w: f([3, 2, 3, 3]), b: f([3])) { x.internal_convolution_deprecated(w, Some(b), [1, 1], [0, 0], [1, 1], false, [0, 0], 1, false, false, true) }
    internal_convolution_mode(x: f([1, 2, 6, 6]), w: f([3, 2, 3, 3]), b: f([3])) { x.internal_convolution_mode(w, Some(b), [1, 1], "same", [1, 1], 1) }
    cudnn_convolution(x: f([1, 8, 6, 6]), w: f([8, 8, 3, 3])) { x.cudnn_convolution(w, [0, 0], [1, 1], [1, 1], 1, false, true, false) }
    cudnn_convolution_out(x: f([1, 8, 6, 6]), o: f([1, 8, 4, 4]), w: f([8, 8, 3, 3])) { x.cudnn_convolution_out(o, w, [0, 0], [1, 1], [1, 1], 1, false, true, false) }
    cudnn_convolution_transpose(x: f([1, 8, 6, 6]), w: f([8, 8, 3, 3])) { x.cudnn_convolution_transpose(w, [0, 0], [0, 0], [1, 1], [1, 1], 1, false, true, false) }
    cudnn_convolution_transpose_out(x: f([1, 8, 6, 6]), o: out(), w: f([8, 8, 3, 3])) { x.cudnn_convolution_transpose_out(o, w, [0, 0], [0, 0], [1, 1], [1, 1], 1, false, true, false) }
}
