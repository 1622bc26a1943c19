//! Recurrent cells and whole recurrent layers.
use super::{cases, f};
use tch::{Kind, Tensor};

cases! { CASES, kind;
    lstm_cell(x: f([1, 3]), h: f([1, 2]), c: f([1, 2]), wi: f([8, 3]), wh: f([8, 2]), bi: f([8]), bh: f([8])) { x.lstm_cell(&[h, c], wi, wh, Some(bi), Some(bh)) }
    gru_cell(x: f([1, 3]), h: f([1, 2]), wi: f([6, 3]), wh: f([6, 2]), bi: f([6]), bh: f([6])) { x.gru_cell(h, wi, wh, Some(bi), Some(bh)) }
    rnn_tanh_cell(x: f([1, 3]), h: f([1, 2]), wi: f([2, 3]), wh: f([2, 2]), bi: f([2]), bh: f([2])) { x.rnn_tanh_cell(h, wi, wh, Some(bi), Some(bh)) }
    rnn_relu_cell(x: f([1, 3]), h: f([1, 2]), wi: f([2, 3]), wh: f([2, 2]), bi: f([2]), bh: f([2])) { x.rnn_relu_cell(h, wi, wh, Some(bi), Some(bh)) }
    lstm(x: f([4, 1, 3]), h: f([1, 1, 2]), c: f([1, 1, 2]), wi: f([8, 3]), wh: f([8, 2]), bi: f([8]), bh: f([8])) { x.lstm(&[h, c], &[wi, wh, bi, bh], true, 1, 0., false, false, false) }
    lstm_data(x: f([4, 3]), h: f([1, 1, 2]), c: f([1, 1, 2]), wi: f([8, 3]), wh: f([8, 2]), bi: f([8]), bh: f([8])) { Tensor::lstm_data(x, &Tensor::from_slice(&[1i64, 1, 1, 1]), &[h, c], &[wi, wh, bi, bh], true, 1, 0., false, false) }
    gru(x: f([4, 1, 3]), h: f([1, 1, 2]), wi: f([6, 3]), wh: f([6, 2]), bi: f([6]), bh: f([6])) { x.gru(h, &[wi, wh, bi, bh], true, 1, 0., false, false, false) }
    gru_data(x: f([4, 3]), h: f([1, 1, 2]), wi: f([6, 3]), wh: f([6, 2]), bi: f([6]), bh: f([6])) { Tensor::gru_data(x, &Tensor::from_slice(&[1i64, 1, 1, 1]), h, &[wi, wh, bi, bh], true, 1, 0., false, false) }
    rnn_tanh(x: f([4, 1, 3]), h: f([1, 1, 2]), wi: f([2, 3]), wh: f([2, 2]), bi: f([2]), bh: f([2])) { x.rnn_tanh(h, &[wi, wh, bi, bh], true, 1, 0., false, false, false) }
    rnn_tanh_data(x: f([4, 3]), h: f([1, 1, 2]), wi: f([2, 3]), wh: f([2, 2]), bi: f([2]), bh: f([2])) { Tensor::rnn_tanh_data(x, &Tensor::from_slice(&[1i64, 1, 1, 1]), h, &[wi, wh, bi, bh], true, 1, 0., false, false) }
    rnn_relu(x: f([4, 1, 3]), h: f([1, 1, 2]), wi: f([2, 3]), wh: f([2, 2]), bi: f([2]), bh: f([2])) { x.rnn_relu(h, &[wi, wh, bi, bh], true, 1, 0., false, false, false) }
    rnn_relu_data(x: f([4, 3]), h: f([1, 1, 2]), wi: f([2, 3]), wh: f([2, 2]), bi: f([2]), bh: f([2])) { Tensor::rnn_relu_data(x, &Tensor::from_slice(&[1i64, 1, 1, 1]), h, &[wi, wh, bi, bh], true, 1, 0., false, false) }
}
