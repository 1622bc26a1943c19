//! Calls of what edition 2024 added.
use crate::compare::{data, leaf, same};
use crate::{amped, plain};

corpus! { chains:
    let_chain => {
        let mask = data(8, [2, 3]).gt(0.2);
        let xs = || leaf(1, [2, 3]);
        [c::let_chain(&xs(), Some(&mask), true), c::let_chain(&xs(), Some(&mask), false), c::let_chain(&xs(), None, true)]
    };
    tail_of_a_local_cell => c::tail_of_a_local_cell(&leaf(1, [2, 3]), &leaf(2, [3, 4]));
}
