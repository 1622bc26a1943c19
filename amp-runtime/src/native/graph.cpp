// libtorch's CUDA graphs by name: their header needs CUDA's own, which a machine that builds this may not have.
#include "amp-runtime/src/native/graph.h"
#include "amp-runtime/src/native/amp.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <utility>
#if defined(__linux__)
#include <dlfcn.h>
#endif

namespace amp {
namespace {

using MempoolId = std::pair<unsigned long long, unsigned long long>;

// Of `cudaStreamCaptureMode`: other threads, which load data, may go on as they like.
enum CaptureMode : int { kThreadLocal = 1 };

// Members of `at::cuda::CUDAGraph`, each with the object as its first argument.
struct Members {
    void (*construct)(void*, bool keep_graph);
    void (*destroy)(void*);
    void (*capture_begin)(void*, MempoolId, CaptureMode);
    void (*capture_end)(void*);
    void (*replay)(void*);
};

template <typename Function>
void find(Function& function, const char* name) {
#if defined(__linux__)
    function = reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, name));
#endif
    TORCH_CHECK(function != nullptr, "this libtorch has no CUDA graphs as 2.11 has them: `", name, "` is not in it");
}

const Members& members() {
    static const Members found = [] {
        Members all{};
        find(all.construct, "_ZN2at4cuda9CUDAGraphC1Eb");
        find(all.destroy, "_ZN2at4cuda9CUDAGraphD1Ev");
        find(all.capture_begin, "_ZN2at4cuda9CUDAGraph13capture_beginESt4pairIyyE21cudaStreamCaptureMode");
        find(all.capture_end, "_ZN2at4cuda9CUDAGraph11capture_endEv");
        find(all.replay, "_ZN2at4cuda9CUDAGraph6replayEv");
        return all;
    }();
    return found;
}

}  // namespace

std::unique_ptr<SideStream> side_stream(std::int32_t cuda_index) {
    at::globalContext().lazyInitDevice(at::kCUDA);
    c10::Device device(at::kCUDA, static_cast<c10::DeviceIndex>(cuda_index));
    c10::impl::VirtualGuardImpl cuda(at::kCUDA);
    cuda.getStream(device).synchronize();
    return std::make_unique<SideStream>(cuda.getStreamFromGlobalPool(device));
}

SideStream::~SideStream() {
    try {
        guard_.current_stream().synchronize();
    } catch (const std::exception&) {
        // Whoever uses the device next is told.
    }
}

std::unique_ptr<CudaGraph> new_graph() { return std::make_unique<CudaGraph>(); }

CudaGraph::CudaGraph() { members().construct(graph_, /*keep_graph=*/false); }

CudaGraph::~CudaGraph() {
    try {
        if (recording_) {
            end();
        }
    } catch (const std::exception&) {
        // What was recorded until something failed is of no use.
    }
    members().destroy(graph_);
}

void CudaGraph::begin() {
    // What is kept for later in memory that all share is of no use to a graph, which takes its own.
    c10::getDeviceAllocator(at::kCUDA)->emptyCache();
    members().capture_begin(graph_, MempoolId(0, 0), kThreadLocal);
    recording_ = true;
}

void CudaGraph::end() {
    recording_ = false;
    members().capture_end(graph_);
}

void CudaGraph::replay() const { members().replay(const_cast<std::byte*>(graph_)); }

void take_gradients(const TensorList& params, TensorList& grads) {
    for (const at::Tensor& param : params.items) {
        grads.push(param.grad());
        param.mutable_grad().reset();
    }
}

void keep_gradients(const TensorList& params, const TensorList& grads) {
    at::NoGradGuard no_grad;
    for (size_t i = 0; i < params.items.size(); ++i) {
        at::Tensor& grad = params.items[i].mutable_grad();
        if (grad.defined() && grad.is_same(grads.items.at(i))) {
            grad = grad.clone();
        }
    }
}

void add_gradients(const TensorList& params, const TensorList& grads) {
    at::NoGradGuard no_grad;
    std::vector<at::Tensor> sums, added;
    for (size_t i = 0; i < params.items.size(); ++i) {
        const at::Tensor& fresh = grads.items.at(i);
        at::Tensor& grad = params.items[i].mutable_grad();
        if (fresh.defined() && grad.defined()) {
            sums.push_back(grad);
            added.push_back(fresh);
        } else if (fresh.defined()) {
            grad = fresh;
        }
    }
    if (!sums.empty()) {
        at::_foreach_add_(sums, added);
    }
}

rust::Vec<std::size_t> addresses(const TensorList& tensors) {
    rust::Vec<std::size_t> found;
    found.reserve(tensors.size());
    for (const at::Tensor& tensor : tensors.items) {
        found.push_back(reinterpret_cast<std::size_t>(tensor.data_ptr()));
    }
    return found;
}

}  // namespace amp
