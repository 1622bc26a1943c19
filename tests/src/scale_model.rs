//! The loss scale as plain numbers: an independent statement of how an update moves it.
use amp_runtime::DynamicLossScale;

/// A dynamic loss scale on the host.
#[derive(Debug, Clone, Copy)]
pub struct ScaleModel {
    by: DynamicLossScale,
    /// The scale.
    pub scale: f32,
    /// Clean updates since the scale last changed.
    pub growth_tracker: i64,
    /// Overflows left before the scale backs off.
    pub hysteresis_tracker: i64,
}

/// `scale * factor` in f64, stored in f32, as `_amp_update_scale_` does.
#[expect(clippy::cast_possible_truncation, reason = "the scale is stored in f32")]
fn scaled(scale: f32, factor: f64) -> f32 {
    (f64::from(scale) * factor) as f32
}

impl ScaleModel {
    /// The scale before the first update.
    #[expect(clippy::cast_possible_truncation, reason = "the scale is stored in f32")]
    pub fn new(by: DynamicLossScale) -> Self {
        Self { by, scale: by.init_scale as f32, growth_tracker: 0, hysteresis_tracker: by.hysteresis.into() }
    }

    /// Follows one update.
    #[expect(clippy::cast_possible_truncation, reason = "the scale is stored in f32")]
    pub fn update(&mut self, overflow: bool) {
        if overflow {
            self.growth_tracker = 0;
            self.hysteresis_tracker = (self.hysteresis_tracker - 1).max(0);
            if self.hysteresis_tracker == 0 {
                self.scale = scaled(self.scale, self.by.backoff_factor);
            }
        } else {
            self.growth_tracker += 1;
            let grows = self.growth_tracker == i64::from(self.by.growth_interval);
            if grows {
                self.growth_tracker = 0;
                let next = scaled(self.scale, self.by.growth_factor);
                if next.is_finite() {
                    self.scale = next;
                }
            }
            if grows || self.by.consecutive_hysteresis {
                self.hysteresis_tracker = self.by.hysteresis.into();
            }
        }
        self.scale = self.scale.clamp(self.by.min_scale as f32, self.by.max_scale as f32);
    }
}
