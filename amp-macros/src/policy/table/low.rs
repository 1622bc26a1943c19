//! What runs in low: where low precision pays.
use crate::policy::op::{Class, Op};
use crate::policy::reason;
use crate::policy::row::{function, group, method};

pub(super) static ROWS: &[&[Op]] = &[
    &group(
        Class::Low,
        reason::CONVOLUTION,
        [
            method("conv1d", 6, &[0, 1, 2]),
            method("conv2d", 6, &[0, 1, 2]),
            method("conv3d", 6, &[0, 1, 2]),
            method("conv1d_padding", 6, &[0, 1, 2]).of("conv1d.padding"),
            method("conv2d_padding", 6, &[0, 1, 2]).of("conv2d.padding"),
            method("conv3d_padding", 6, &[0, 1, 2]).of("conv3d.padding"),
            method("conv_tbc", 3, &[0, 1, 2]),
            method("conv_tbc_out", 4, &[0, 1, 2, 3]).writes(),
            method("conv_transpose1d", 7, &[0, 1, 2]),
            method("conv_transpose2d", 7, &[0, 1, 2]).of("conv_transpose2d.input"),
            method("conv_transpose3d", 7, &[0, 1, 2]).of("conv_transpose3d.input"),
            method("convolution", 8, &[0, 1, 2]),
            method("convolution_out", 9, &[0, 1, 2, 3]).writes(),
            method("internal_convolution", 12, &[0, 1, 2]).of("_convolution"),
            method("internal_convolution_out", 13, &[0, 1, 2, 3]).writes().of("_convolution_out"),
            method("internal_convolution_deprecated", 11, &[0, 1, 2]).of("_convolution.deprecated"),
            method("internal_convolution_mode", 6, &[0, 1, 2]).of("_convolution_mode"),
            method("cudnn_convolution", 8, &[0, 1]),
            method("cudnn_convolution_out", 9, &[0, 1, 2]).writes(),
            method("cudnn_convolution_transpose", 9, &[0, 1]),
            method("cudnn_convolution_transpose_out", 10, &[0, 1, 2]).writes(),
        ],
    ),
    &group(
        Class::Low,
        reason::MATRIX,
        [
            method("matmul", 1, &[0, 1]),
            method("matmul_out", 2, &[0, 1, 2]).writes(),
            method("mm", 1, &[0, 1]),
            method("mm_out", 2, &[0, 1, 2]).writes(),
            method("bmm", 1, &[0, 1]),
            method("bmm_out", 2, &[0, 1, 2]).writes(),
            method("mv", 1, &[0, 1]),
            method("mv_out", 2, &[0, 1, 2]).writes(),
            method("linear", 2, &[0, 1, 2]),
            method("linear_out", 3, &[0, 1, 2, 3]).writes(),
            method("addmm", 2, &[0, 1, 2]),
            method("addmm_", 2, &[0, 1, 2]).writes(),
            method("addmm_out", 3, &[0, 1, 2, 3]).writes(),
            method("addmv", 2, &[0, 1, 2]),
            method("addmv_", 2, &[0, 1, 2]).writes(),
            method("addmv_out", 3, &[0, 1, 2, 3]).writes(),
            method("addr", 2, &[0, 1, 2]),
            method("addr_", 2, &[0, 1, 2]).writes(),
            method("addr_out", 3, &[0, 1, 2, 3]).writes(),
            method("addbmm", 2, &[0, 1, 2]),
            method("addbmm_", 2, &[0, 1, 2]).writes(),
            method("addbmm_out", 3, &[0, 1, 2, 3]).writes(),
            method("baddbmm", 4, &[0, 1, 2]),
            method("baddbmm_", 2, &[0, 1, 2]).writes(),
            method("baddbmm_out", 3, &[0, 1, 2, 3]).writes(),
            method("linalg_matmul", 1, &[0, 1]),
            method("linalg_matmul_out", 2, &[0, 1, 2]).writes(),
            function("linalg_vecdot", 3, &[0, 1]),
            function("linalg_vecdot_out", 4, &[0, 1, 2]).writes(),
            function("einsum", 3, &[1]),
            function("chain_matmul", 1, &[0]).alone(),
            function("chain_matmul_out", 2, &[0, 1]).writes(),
            function("linalg_multi_dot", 1, &[0]).alone(),
            function("linalg_multi_dot_out", 2, &[0, 1]).writes(),
        ],
    ),
    &group(
        Class::Low,
        reason::ATTENTION,
        [
            function("scaled_dot_product_attention", 8, &[0, 1, 2, 3]),
            function("internal_scaled_dot_product_attention_math", 9, &[0, 1, 2, 3])
                .alone()
                .tensors()
                .of("_scaled_dot_product_attention_math"),
            function("internal_scaled_dot_product_flash_attention_for_cpu", 7, &[0, 1, 2, 5])
                .tensors()
                .of("_scaled_dot_product_flash_attention_for_cpu"),
            function("internal_scaled_dot_product_efficient_attention", 8, &[0, 1, 2, 3])
                .tensors()
                .of("_scaled_dot_product_efficient_attention"),
        ],
    ),
    &group(
        Class::Low,
        reason::RECURRENT,
        [
            method("lstm_cell", 5, &[0, 1, 2, 3, 4, 5]).tensors(),
            method("gru_cell", 5, &[0, 1, 2, 3, 4, 5]),
            method("rnn_tanh_cell", 5, &[0, 1, 2, 3, 4, 5]),
            method("rnn_relu_cell", 5, &[0, 1, 2, 3, 4, 5]),
            method("lstm", 8, &[0, 1, 2]).alone().tensors().of("lstm.input"),
            function("lstm_data", 9, &[0, 2, 3]).alone().tensors().of("lstm.data"),
            method("gru", 8, &[0, 1, 2]).alone().tensors().of("gru.input"),
            function("gru_data", 9, &[0, 2, 3]).alone().tensors().of("gru.data"),
            method("rnn_tanh", 8, &[0, 1, 2]).alone().tensors().of("rnn_tanh.input"),
            function("rnn_tanh_data", 9, &[0, 2, 3]).alone().tensors().of("rnn_tanh.data"),
            method("rnn_relu", 8, &[0, 1, 2]).alone().tensors().of("rnn_relu.input"),
            function("rnn_relu_data", 9, &[0, 2, 3]).alone().tensors().of("rnn_relu.data"),
        ],
    ),
    &group(Class::Low, reason::WEIGHTED, [method("prelu", 1, &[0, 1])]),
];
