// Gradients and values of variables whose memory is somebody else's to write.
#pragma once
#include <cstddef>
#include "rust/cxx.h"

namespace amp {
struct TensorList;

// The gradients of a graph's backward, which every replay writes into the same memory; undefined where a parameter has none.
void take_gradients(const TensorList& params, TensorList& grads);
// A parameter's gradient that the next replay would write over becomes a copy of itself.
void keep_gradients(const TensorList& params, const TensorList& grads);
void add_gradients(const TensorList& params, const TensorList& grads);
// Gives tensors back the values that they had: nobody who saved one of them need notice.
void restore(const TensorList& tensors, const TensorList& values);
// Where their elements lie, and whether they ask for gradients.
rust::Vec<std::size_t> places(const TensorList& tensors);

}  // namespace amp
