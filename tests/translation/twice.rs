//! A call, compiled twice: once for the plain file of the corpus and once for the amped one.

/// `call` is compiled twice, with `c` for the plain and for the amped file.
macro_rules! corpus {
    ($file:ident: $($name:ident => $call:expr;)*) => {
        mod $file {
            use super::*;
            $(
                #[test]
                fn $name() {
                    let plain = || {
                        use plain::$file as c;
                        $call
                    };
                    let amped = || {
                        use amped::$file as c;
                        $call
                    };
                    same(stringify!($name), plain, amped);
                }
            )*
        }
    };
}
