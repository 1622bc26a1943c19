// CUDA graphs: work that is recorded once and launched as a whole.
#pragma once
#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <c10/core/StreamGuard.h>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace amp {
struct TensorList;

// Work of this thread goes to another stream of the device until this is dropped. The host waits for the stream that it leaves.
class SideStream {
  public:
    explicit SideStream(c10::Stream stream) : guard_(stream) {}
    ~SideStream();

  private:
    c10::StreamGuard guard_;
};
std::unique_ptr<SideStream> side_stream(std::int32_t cuda_index);

// The device draws from a copy of its default generator until this is dropped. To set a state instead would have recurrent layers
// make their state for dropout anew, which waits for the device.
class SpareGenerator {
  public:
    explicit SpareGenerator(at::Generator generator);
    ~SpareGenerator();

  private:
    at::Generator generator_, own_;
};
std::unique_ptr<SpareGenerator> spare_generator(std::int32_t cuda_index);

// A parameter's accumulator belongs to the stream on which it was first needed, as long as any graph with it is alive.
void forget_accumulators(const TensorList& params);
// Whether something that was computed before that is part of a loss: its way to the parameters is another.
bool reaches_back(const at::Tensor& loss);
// What the loss was computed with and libtorch may let go of: dropout's state of cuDNN's recurrent layers, which is made anew after a seed.
void hidden_states(const at::Tensor& loss, TensorList& states);

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
    void abandon() noexcept;

    bool recording_ = false;
    at::Tensor anything_;
    // It has 104 bytes in 2.11.
    alignas(std::max_align_t) std::byte graph_[1024];
};
std::unique_ptr<CudaGraph> new_graph();

}  // namespace amp
