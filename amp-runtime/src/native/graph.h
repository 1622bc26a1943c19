// CUDA graphs: work that is recorded once and launched as a whole.
#pragma once
#include <c10/core/StreamGuard.h>
#include <cstddef>
#include <cstdint>
#include <memory>
#include "rust/cxx.h"

namespace amp {
struct TensorList;

// Work of this thread goes to another stream of the device until this is dropped; both wait for each other.
class SideStream {
  public:
    explicit SideStream(c10::Stream stream) : guard_(stream) {}
    ~SideStream();

  private:
    c10::StreamGuard guard_;
};
std::unique_ptr<SideStream> side_stream(std::int32_t cuda_index);

// libtorch's own `at::cuda::CUDAGraph`, with a memory pool of its own.
class CudaGraph {
  public:
    CudaGraph();
    ~CudaGraph();
    CudaGraph(const CudaGraph&) = delete;
    CudaGraph& operator=(const CudaGraph&) = delete;
    // From here on what the current stream is given is recorded, and does not run.
    void begin();
    void end();
    // On the current stream.
    void replay() const;

  private:
    bool recording_ = false;
    // It has 104 bytes in 2.11.
    alignas(std::max_align_t) std::byte graph_[1024];
};
std::unique_ptr<CudaGraph> new_graph();

// The gradients of a graph's backward, which every replay writes into the same memory; undefined where a parameter has none.
void take_gradients(const TensorList& params, TensorList& grads);
// A parameter's gradient that the next replay would write over becomes a copy of itself.
void keep_gradients(const TensorList& params, const TensorList& grads);
void add_gradients(const TensorList& params, const TensorList& grads);
// Where their elements lie.
rust::Vec<std::size_t> addresses(const TensorList& tensors);

}  // namespace amp
