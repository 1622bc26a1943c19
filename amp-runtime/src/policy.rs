//! Which operation runs at which precision in an `#[amp]` function, for programs that want to know.

/// One operation of tch and what an `#[amp]` function does with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpInfo {
    /// tch's method or function; its `f_` twin is treated alike.
    pub name: &'static str,
    /// `Low`: operands in f16 or bf16. `Full`: operands in f32. `FullOutput`: operands as they are, the result in f32. `Widest`: all
    /// operands in the widest dtype among them. `Follow`: left alone. `Banned`: does not compile.
    pub class: &'static str,
    /// `method` for `xs.op(..)`, `function` for `Tensor::op(..)`.
    pub form: &'static str,
    /// How many arguments the call has, the receiver not counted.
    pub arity: usize,
    /// Where floating tensors stand; a method's receiver is 0 and its first argument 1, a function's first argument is 0.
    pub operands: &'static [usize],
    /// Where the output's dtype stands, counted likewise.
    pub kind: Option<usize>,
    /// Whether it writes into an operand.
    pub in_place: bool,
    /// Whether it runs with libtorch's autocast suspended, because some device's list disagrees with this table.
    pub alone: bool,
    /// libtorch's operator with its overload; empty where tch composes several.
    pub torch: &'static str,
    /// Why it stands in its class.
    pub reason: &'static str,
}

/// Every operation that an `#[amp]` function knows: what is not here runs as libtorch's own autocast decides.
///
/// ```
/// let softmax = amp_runtime::policy::OPS.iter().find(|op| op.name == "softmax").unwrap();
/// assert_eq!((softmax.class, softmax.torch), ("FullOutput", "softmax.int"));
/// ```
pub const OPS: &[OpInfo] = &amp_macros::__op_table!();

/// The table for reading: per class and reason the operations, without the twins that write.
///
/// This is the table of the README. What follows its operands is counted only.
#[must_use]
pub fn markdown() -> String {
    let mut lines = vec!["| class | operations | why |".to_owned(), "|---|---|---|".to_owned()];
    for class in ["Low", "Full", "FullOutput", "Widest", "Banned"] {
        let rows: Vec<&OpInfo> = OPS.iter().filter(|op| op.class == class && !op.in_place).collect();
        for rows in rows.chunk_by(|a, b| a.reason == b.reason) {
            let names: Vec<&str> = rows.iter().map(|op| op.name).collect();
            lines.push(format!("| `{class}` | `{}` | {} |", names.join("` `"), rows[0].reason));
        }
    }
    let follow = OPS.iter().filter(|op| op.class == "Follow" && !op.in_place).count();
    let what = "arithmetic, activations, pooling, shapes, indexing";
    lines.push(format!("| `Follow` | {follow} more: {what} | they are as precise as their operands |"));
    lines.join("\n") + "\n"
}
