//! Reading `optim_wrapper`: precision, loss scale, clipping, accumulation and per-parameter settings.
use super::optimizer;
use super::reader::{Field, Table};
use super::section::{Section, doors};
use crate::optim::{ClipGrad, CustomKey, OptimizerConfig, Paramwise};
use crate::optim_wrapper::{OptimWrapper, OptimWrapperBuilder};
use crate::precision::Precision;
use crate::scaler::{DynamicLossScale, Floor, LossScale, ScalerError};

/// MMEngine's `optim_wrapper`: the optimizer and how its updates are made.
///
/// `type: OptimWrapper` (the default) is full precision without a loss scale; `type: AmpOptimWrapper` is mixed precision.
/// What MMEngine lacks: an integer `loss_scale`; in the table of a dynamic one also `min_scale`, `max_scale`,
/// `hysteresis`, `consecutive_hysteresis` and `on_floor` (`"clamp"`, `"warn"` or `{ error_after: n }`).
#[derive(Debug, Clone, PartialEq)]
pub struct OptimWrapperConfig {
    /// `dtype`; none: by device.
    pub precision: Option<Precision>,
    /// `loss_scale`; none: by precision, dynamic for f16 and off otherwise.
    pub loss_scale: Option<LossScale>,
    /// `optimizer`.
    pub optimizer: OptimizerConfig,
    /// `clip_grad`.
    pub clip_grad: Option<ClipGrad>,
    /// `accumulative_counts`: micro-batches in an update, 1 or more.
    pub accumulative_counts: u32,
    /// `paramwise_cfg`.
    pub paramwise: Paramwise,
}

doors!(OptimWrapperConfig);

impl OptimWrapperConfig {
    /// A wrapper with these options, to which others can be added before it is built.
    pub fn builder(&self) -> OptimWrapperBuilder {
        let mut builder = OptimWrapper::builder(self.optimizer)
            .accumulate(self.accumulative_counts)
            .paramwise(self.paramwise.clone());
        if let Some(precision) = self.precision {
            builder = builder.precision(precision);
        }
        if let Some(loss_scale) = self.loss_scale {
            builder = builder.loss_scale(loss_scale);
        }
        if let Some(clip_grad) = self.clip_grad {
            builder = builder.clip_grad(clip_grad);
        }
        builder
    }
}

impl Section for OptimWrapperConfig {
    fn read(field: &Field) -> Option<Self> {
        field.table(|table| {
            if table.refuse(
                "optim_wrapper",
                "this is a whole training configuration",
                "read it as a `TrainingConfig`",
            ) {
                table.ignore_rest();
                return None;
            }
            let wrappers = [("OptimWrapper", false), ("AmpOptimWrapper", true)];
            let is_mixed = table.field("type").map_or(Some(false), |field| field.word(&wrappers));
            let (precision, loss_scale) = if is_mixed == Some(false) {
                for key in ["dtype", "loss_scale"] {
                    table.refuse(
                        key,
                        "`OptimWrapper` trains in full precision",
                        "write `type: AmpOptimWrapper`",
                    );
                }
                (Some(Precision::Full), Some(LossScale::Off))
            } else {
                let dtype = table.optional("dtype");
                let loss_scale = table.optional("loss_scale");
                (
                    dtype.and_then(|field| precision(&field)),
                    loss_scale.and_then(|field| read_loss_scale(&field)),
                )
            };
            let optimizer = table.required("optimizer").and_then(|field| optimizer::read(&field));
            let clip_grad = table.optional("clip_grad").and_then(|field| read_clip_grad(&field));
            let accumulative_counts = table.integer("accumulative_counts", 1, 1);
            let paramwise = table.optional("paramwise_cfg").and_then(|field| read_paramwise(&field));
            table
                .optional("constructor")
                .and_then(|field| field.word(&[("DefaultOptimWrapperConstructor", ())]));
            Some(Self {
                precision,
                loss_scale,
                optimizer: optimizer?,
                clip_grad,
                accumulative_counts,
                paramwise: paramwise.unwrap_or_default(),
            })
        })
    }
}

fn precision(field: &Field) -> Option<Precision> {
    const WANTS: &str = "`float16`, `bfloat16` or `float32`";
    let Some(word) = field.as_text() else { return field.wants(WANTS) };
    match word.strip_prefix("torch.").unwrap_or(word) {
        "float64" | "double" => field.invalid(
            "`float16`, `bfloat16` or `float32`: regions only lower precision, f64 is not supported",
        ),
        name => name.parse().ok().or_else(|| field.invalid(WANTS)),
    }
}

fn read_loss_scale(field: &Field) -> Option<LossScale> {
    if field.as_text() == Some("dynamic") {
        return Some(LossScale::dynamic());
    }
    if let Some(scale) = field.as_number() {
        let scale = LossScale::Static(scale);
        return match scale.validate() {
            Ok(()) => Some(scale),
            Err(_) => field.invalid("a positive number that f32 can hold, \"dynamic\" or a table"),
        };
    }
    if !field.is_table() {
        return field.wants("\"dynamic\", a number or a table");
    }
    field.table(|table| {
        let is_enabled = table.flag("enabled", true);
        let scale = LossScale::Dynamic(dynamic(table));
        if table.is_clean()
            && let Err(ScalerError::InvalidValue { field, value, wants }) = scale.validate()
        {
            table.note_invalid(field, &value, wants);
        }
        Some(if is_enabled { scale } else { LossScale::Off })
    })
}

fn dynamic(table: &mut Table) -> DynamicLossScale {
    let default = DynamicLossScale::default();
    let init_scale = table.number("init_scale", default.init_scale);
    let growth_factor = table.number("growth_factor", default.growth_factor);
    let backoff_factor = table.number("backoff_factor", default.backoff_factor);
    let growth_interval = table.integer("growth_interval", 1, default.growth_interval);
    let min_scale = table.number("min_scale", default.min_scale);
    let max_scale = table.field("max_scale").and_then(|field| field.number_or_inf());
    DynamicLossScale {
        init_scale,
        growth_factor,
        backoff_factor,
        growth_interval,
        min_scale,
        max_scale: max_scale.unwrap_or(default.max_scale),
        hysteresis: table.integer("hysteresis", 1, default.hysteresis),
        consecutive_hysteresis: table.flag("consecutive_hysteresis", default.consecutive_hysteresis),
        on_floor: table.field("on_floor").and_then(|field| floor(&field)).unwrap_or_default(),
    }
}

fn floor(field: &Field) -> Option<Floor> {
    if field.is_table() {
        return field.table(|table| {
            let after = table.required("error_after")?.integer(1)?;
            Some(Floor::Error { after })
        });
    }
    if field.as_text().is_none() {
        return field.wants("\"clamp\", \"warn\" or a table with `error_after`");
    }
    field.word(&[("clamp", Floor::Clamp), ("warn", Floor::Warn)])
}

fn read_clip_grad(field: &Field) -> Option<ClipGrad> {
    field.table(|table| {
        let by_value =
            table.field("type").map_or(Some(false), |field| field.word(&[("norm", false), ("value", true)]));
        let clip = match by_value {
            Some(true) => {
                let clip_value = table.required("clip_value").and_then(|field| field.number_or_inf());
                ClipGrad::Value { clip_value: clip_value? }
            }
            Some(false) => {
                let max_norm = table.required("max_norm").and_then(|field| field.number_or_inf());
                let norm_type = table.field("norm_type").map_or(Some(2.), |field| field.number_or_inf());
                let error_if_nonfinite = table.flag("error_if_nonfinite", false);
                ClipGrad::Norm { max_norm: max_norm?, norm_type: norm_type?, error_if_nonfinite }
            }
            None => {
                table.ignore_rest();
                return None;
            }
        };
        if let Err(error) = clip.validate() {
            optimizer::note(table, &error);
        }
        Some(clip)
    })
}

fn read_paramwise(field: &Field) -> Option<Paramwise> {
    field.table(|table| {
        table.refuse("dcn_offset_lr_mult", "tch has no deformable convolutions", "remove it");
        let mut multiplier = |key| table.field(key).and_then(|field| field.multiplier());
        let bias_lr_mult = multiplier("bias_lr_mult");
        let bias_decay_mult = multiplier("bias_decay_mult");
        let norm_decay_mult = multiplier("norm_decay_mult");
        let dwconv_decay_mult = multiplier("dwconv_decay_mult");
        let flat_decay_mult = multiplier("flat_decay_mult");
        let bypass_duplicate = table.flag("bypass_duplicate", false);
        let custom_keys = table.field("custom_keys").and_then(|field| field.entries()).unwrap_or_default();
        Some(Paramwise {
            custom_keys: custom_keys
                .into_iter()
                .filter_map(|(name, field)| Some((name.to_owned(), custom_key(&field)?)))
                .collect(),
            bias_lr_mult,
            bias_decay_mult,
            norm_decay_mult,
            dwconv_decay_mult,
            flat_decay_mult,
            bypass_duplicate,
        })
    })
}

fn custom_key(field: &Field) -> Option<CustomKey> {
    field.table(|table| {
        let mut multiplier = |key| table.field(key).and_then(|field| field.multiplier()).unwrap_or(1.);
        Some(CustomKey { lr_mult: multiplier("lr_mult"), decay_mult: multiplier("decay_mult") })
    })
}
