// libtorch's CUDA graphs by name: their header needs CUDA's own, which a machine that builds this may not have.
#include "amp-runtime/src/native/graph.h"
#include "amp-runtime/src/native/amp.h"
#include "amp-runtime/src/native/nodes.h"

#include <ATen/ATen.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <torch/csrc/autograd/functions/accumulate_grad.h>
#include <torch/csrc/autograd/generated/Functions.h>
#include <mutex>
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
    // CUDA's own.
    int (*begin_on_stream)(void* stream, CaptureMode);
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
        find(all.begin_on_stream, "cudaStreamBeginCapture");
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

std::unique_ptr<SpareGenerator> spare_generator(std::int32_t cuda_index) {
    c10::Device device(at::kCUDA, static_cast<c10::DeviceIndex>(cuda_index));
    return std::make_unique<SpareGenerator>(at::globalContext().defaultGenerator(device));
}

SpareGenerator::SpareGenerator(at::Generator generator) : generator_(std::move(generator)) {
    std::lock_guard<std::mutex> lock(generator_.mutex());
    own_ = generator_.graphsafe_get_state();
    generator_.graphsafe_set_state(generator_.clone());
}

SpareGenerator::~SpareGenerator() {
    std::lock_guard<std::mutex> lock(generator_.mutex());
    generator_.graphsafe_set_state(own_);
}

void forget_accumulators(const TensorList& params) {
    for (const at::Tensor& param : params.items) {
        if (param.requires_grad() && param.is_leaf()) {
            torch::autograd::impl::set_grad_accumulator(param, {});
        }
    }
}

bool reaches_back(const at::Tensor& loss) {
    bool found = false;
    for_each_node(loss, [&](torch::autograd::Node& node) {
        if (auto* leaf = dynamic_cast<torch::autograd::AccumulateGrad*>(&node)) {
            found = torch::autograd::impl::try_get_grad_accumulator(leaf->variable).get() != leaf;
        }
        return !found;
    });
    return found;
}

void hidden_states(const at::Tensor& loss, TensorList& states) {
    for_each_node(loss, [&](torch::autograd::Node& node) {
        if (auto* layer = dynamic_cast<torch::autograd::generated::CudnnRnnBackward0*>(&node)) {
            states.push(layer->dropout_state_.unpack(node.getptr()));
        }
        return true;
    });
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
    anything_ = at::zeros({1}, at::TensorOptions().device(at::kCUDA));
    // What is kept for later in memory that all share is of no use to a graph, which takes its own.
    c10::getDeviceAllocator(at::kCUDA)->emptyCache();
    members().capture_begin(graph_, MempoolId(0, 0), kThreadLocal);
    recording_ = true;
}

void CudaGraph::end() {
    recording_ = false;
    try {
        members().capture_end(graph_);
    } catch (...) {
        abandon();
        throw;
    }
}

// Where an operation was refused, 2.11 throws before it tells the allocators and the generator that the capture is over: memory would
// never come back, and nothing random could be drawn. The end of another one tells them.
void CudaGraph::abandon() noexcept {
    try {
        c10::impl::VirtualGuardImpl cuda(at::kCUDA);
        if (members().begin_on_stream(cuda.getStream(cuda.getDevice()).native_handle(), kThreadLocal) == 0) {
            try {
                anything_.zero_();
            } catch (const std::exception&) {
                // It is there to have the graph hold something, which is all that libtorch warns of.
            }
            members().capture_end(graph_);
        }
    } catch (const std::exception&) {
        // The first error is the one to be told.
    }
}

void CudaGraph::replay() const { members().replay(const_cast<std::byte*>(graph_)); }

}  // namespace amp
