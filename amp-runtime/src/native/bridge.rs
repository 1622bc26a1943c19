//! The doors to C++: one declaration per function of `amp.h`.
#![allow(
    missing_docs,
    unused_qualifications,
    unreachable_pub,
    reason = "declarations for cxx, documented in `native`"
)]
#![allow(clippy::too_many_arguments, reason = "libtorch's own signatures")]

#[cxx::bridge(namespace = "amp")]
pub(super) mod ffi {
    /// What a parameter's gradient turned out to be.
    #[derive(Debug)]
    enum GradientState {
        /// Nothing flowed into the parameter.
        Missing,
        /// Same shape, dtype, device and memory layout as the parameter.
        Ready,
        /// A sparse gradient.
        Sparse,
        /// Another dtype than the parameter's.
        Dtype,
        /// Another device than the parameter's.
        Device,
        /// Another shape than the parameter's.
        Shape,
    }

    /// A run of neighbours in parallel lists.
    #[derive(Clone, Copy)]
    struct Range {
        start: usize,
        len: usize,
    }

    /// The numbers of one `torch.optim.SGD` update.
    #[derive(Clone, Copy)]
    struct SgdStep {
        lr: f64,
        momentum: f64,
        dampening: f64,
        weight_decay: f64,
        nesterov: bool,
        maximize: bool,
        is_first_step: bool,
    }

    /// The numbers of one `torch.optim.Adam` or (`decoupled`) `AdamW` update.
    #[derive(Clone, Copy)]
    struct AdamStep {
        lr: f64,
        beta1: f64,
        beta2: f64,
        eps: f64,
        weight_decay: f64,
        amsgrad: bool,
        maximize: bool,
        decoupled: bool,
    }

    /// Autocast as it stood before a guard: of the CPU, and of CUDA or MPS; and how many guards there are with this one.
    #[derive(Clone, Copy)]
    struct AutocastState {
        nesting: i32,
        enabled: [bool; 2],
        dtype: [i8; 2],
    }

    /// What is known of the weights of a recurrent layer.
    #[derive(Debug)]
    enum HiddenWeights {
        /// Nothing: what libtorch keeps of them may be stale.
        Unseen,
        /// The call that begins says which they are: `end_recurrent`.
        Sought,
        /// They are watched.
        Watched,
    }

    /// How often an operator ran.
    struct OpCount {
        name: String,
        count: u64,
    }

    unsafe extern "C++" {
        include!("amp-runtime/src/native/amp.h");
        include!("amp-runtime/src/native/casts.h");
        include!("amp-runtime/src/native/gradients.h");
        include!("amp-runtime/src/native/graph.h");

        #[namespace = "at"]
        type Tensor;
        type TensorList;
        type Deferred;
        type Source;
        type SideStream;
        type SpareGenerator;
        type CudaGraph;

        fn new_list(capacity: usize) -> UniquePtr<TensorList>;
        fn size(self: &TensorList) -> usize;
        fn push(self: Pin<&mut TensorList>, tensor: &Tensor);
        fn at(self: &TensorList, index: usize) -> Result<UniquePtr<Tensor>>;
        fn select(self: &TensorList, indices: &[u32]) -> Result<UniquePtr<TensorList>>;

        fn gather_gradients(
            params: &TensorList,
            grads: Pin<&mut TensorList>,
            states: &mut Vec<GradientState>,
        ) -> Result<()>;
        fn first_unlike(params: &TensorList, others: &TensorList) -> Result<i64>;
        fn first_gradient(params: &TensorList) -> usize;
        fn backward(loss: &Tensor, gradient: &Tensor) -> Result<()>;
        fn backward_for(loss: &Tensor, gradient: &Tensor, leaves: &TensorList) -> Result<()>;
        fn clear_gradients(params: &TensorList) -> Result<()>;
        fn set_gradient(param: &Tensor, grad: &Tensor) -> Result<()>;
        fn is_dense(param: &Tensor) -> Result<bool>;
        fn check_and_unscale(
            grads: &TensorList,
            found_inf: &Tensor,
            inv_scale: &Tensor,
        ) -> Result<UniquePtr<Tensor>>;
        fn push_norms(grads: &TensorList, norm_type: f64, norms: Pin<&mut TensorList>) -> Result<()>;
        fn total_norm(norms: &TensorList, norm_type: f64) -> Result<UniquePtr<Tensor>>;
        fn multiply(tensors: &TensorList, factor: &Tensor) -> Result<()>;
        fn clamp(tensors: &TensorList, limit: f64) -> Result<()>;

        fn fused_sgd(
            params: &TensorList,
            grads: &TensorList,
            momentum_buffers: &TensorList,
            range: Range,
            step: &SgdStep,
            found_inf: &Tensor,
        ) -> Result<()>;
        fn fused_adam(
            params: &TensorList,
            grads: &TensorList,
            exp_avgs: &TensorList,
            exp_avg_sqs: &TensorList,
            max_exp_avg_sqs: &TensorList,
            steps: &TensorList,
            range: Range,
            step: &AdamStep,
            found_inf: &Tensor,
        ) -> Result<()>;
        fn average(averages: &TensorList, values: &TensorList, weight: &Tensor) -> Result<()>;
        fn copy(targets: &TensorList, sources: &TensorList) -> Result<()>;

        fn defer(scalars: &TensorList) -> Result<UniquePtr<Deferred>>;
        fn ready(self: &Deferred) -> Result<bool>;
        fn get(self: &Deferred, index: usize) -> Result<f32>;

        fn enter_autocast(cpu: i8, accelerator: i8) -> AutocastState;
        fn suspend_autocast() -> AutocastState;
        fn leave_autocast(previous: AutocastState);

        fn glance(tensor: &Tensor) -> i32;
        fn is(self: &Source, tensor: &Tensor) -> bool;
        fn remember(tensor: &Tensor) -> Result<UniquePtr<Source>>;
        fn is_weight(tensor: &Tensor) -> Result<bool>;
        fn cast(tensor: &Tensor, dtype: i8) -> Result<UniquePtr<Tensor>>;
        fn watch_weight(weight: &Tensor) -> Result<()>;
        fn begin_recurrent(layer: usize) -> Result<HiddenWeights>;
        fn end_recurrent(layer: usize, result: &Tensor) -> Result<()>;
        fn drop_casts() -> Result<()>;
        fn drop_ambient_casts() -> Result<()>;
        fn end_outermost() -> Result<()>;
        fn use_cache();
        fn leave_cache();
        fn unseen_layer();
        fn computed_in(result: &Tensor, dtype: i8) -> Result<bool>;
        fn may_be_weight(written: &Tensor) -> Result<bool>;
        fn grad_enabled() -> bool;
        fn set_cast_cache(enabled: bool) -> bool;

        fn side_stream(cuda_index: i32) -> Result<UniquePtr<SideStream>>;
        fn spare_generator(cuda_index: i32) -> Result<UniquePtr<SpareGenerator>>;
        fn forget_accumulators(params: &TensorList) -> Result<()>;
        fn reaches_back(loss: &Tensor) -> Result<bool>;
        fn hidden_states(loss: &Tensor, states: Pin<&mut TensorList>) -> Result<()>;
        fn new_graph() -> Result<UniquePtr<CudaGraph>>;
        fn begin(self: Pin<&mut CudaGraph>) -> Result<()>;
        fn end(self: Pin<&mut CudaGraph>) -> Result<()>;
        fn replay(self: &CudaGraph) -> Result<()>;
        fn take_gradients(params: &TensorList, grads: Pin<&mut TensorList>) -> Result<()>;
        fn keep_gradients(params: &TensorList, grads: &TensorList) -> Result<()>;
        fn restore(tensors: &TensorList, values: &TensorList) -> Result<()>;
        fn places(tensors: &TensorList) -> Result<Vec<usize>>;
        fn add_gradients(params: &TensorList, grads: &TensorList) -> Result<()>;

        fn identity(tensor: &Tensor) -> usize;
        fn version(tensor: &Tensor) -> Result<i64>;
        fn writes(tensors: &TensorList) -> Result<u64>;

        fn peak_bytes(cuda_index: i32) -> Result<u64>;
        fn peak_reserved_bytes(cuda_index: i32) -> Result<u64>;
        fn reset_peak(cuda_index: i32) -> Result<()>;
        fn empty_cache(cuda_index: i32) -> Result<()>;
        fn keep_freed_memory();
        fn generator_state(cuda_index: i32) -> Result<UniquePtr<Tensor>>;
        fn set_generator_state(cuda_index: i32, state: &Tensor) -> Result<()>;
        fn libtorch_version() -> String;
        fn cpu_capability() -> Result<String>;
        fn cuda_load_error() -> String;

        fn start_counting() -> Result<()>;
        fn stop_counting() -> Result<Vec<OpCount>>;
    }
}
