//! Scales and their ticks: where a value stands, and which values are written beside the axis.

use crate::figure::{Kind, tick};

/// One axis of a chart.
#[derive(Debug, Clone)]
pub(crate) struct Axis {
    /// What it counts, with the unit if the ticks don't carry one.
    pub(crate) title: String,
    pub(crate) scale: Scale,
    /// Its ends, as values.
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// Values with a line and a text.
    pub(crate) ticks: Vec<(f64, String)>,
}

/// How values are spread along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    Linear,
    Log,
    /// Quantiles from 0 to below 1, each further nine as wide as the one before.
    Nines,
    /// Slots 0, 1, … from the top down or from left to right, one for each name.
    Slots,
}

impl Scale {
    /// Where a value stands; equal steps are equally far apart.
    pub(crate) fn place(self, value: f64) -> f64 {
        match self {
            Self::Linear | Self::Slots => value,
            Self::Log => value.max(f64::MIN_POSITIVE).log10(),
            Self::Nines => -(1.0 - value.min(1.0 - 1e-9)).log10(),
        }
    }
}

impl Axis {
    /// From 0, or the least value if that is below it, to a little above the greatest.
    pub(crate) fn linear(title: &str, kind: Kind, values: impl IntoIterator<Item = f64>) -> Self {
        let (low, high) = ends(values).unwrap_or((0.0, 1.0));
        let low = low.min(0.0);
        let high = if high > low { high } else { low + 1.0 };
        let step = step(kind, (high - low) / 4.0);
        let high = high + (high - low) * 0.03;
        let count = ((high - low) / step).floor() as u32;
        let ticks = (0..=count).map(|index| {
            let value = low + f64::from(index) * step;
            (value, tick(kind, value))
        });
        Self {
            title: title.to_owned(),
            scale: Scale::Linear,
            low,
            high,
            ticks: ticks.collect(),
        }
    }

    /// From just below the least positive value to just above the greatest.
    pub(crate) fn log(title: &str, kind: Kind, values: impl IntoIterator<Item = f64>) -> Self {
        let positive = values.into_iter().filter(|value| *value > 0.0);
        let (low, high) = ends(positive).unwrap_or((1.0, 10.0));
        // At least half a decade, so that noise doesn't look like a mountain.
        let (mut low, mut high) = (low / 1.15, high * 1.15);
        let span = (high / low).log10();
        if span < 0.5 {
            let widen = 10_f64.powf((0.5 - span) / 2.0);
            (low, high) = (low / widen, high * widen);
        }
        Self {
            title: title.to_owned(),
            scale: Scale::Log,
            low,
            high,
            ticks: log_ticks(kind, low, high),
        }
    }

    /// From `values` themselves, each with a tick: the points of a sweep. Logarithmic if they are spread like that.
    pub(crate) fn at(title: &str, values: &[f64], text: impl Fn(f64) -> String) -> Self {
        let (low, high) = ends(values.iter().copied()).unwrap_or((0.0, 1.0));
        let is_log = low > 0.0 && high / low >= 5.0;
        let (low, high) = match (is_log, low < high) {
            (true, _) => (low / 1.1, high * 1.1),
            (false, true) => (low - (high - low) * 0.04, high + (high - low) * 0.04),
            (false, false) => (low - 0.5, high + 0.5),
        };
        Self {
            title: title.to_owned(),
            scale: if is_log { Scale::Log } else { Scale::Linear },
            low,
            high,
            ticks: values.iter().map(|value| (*value, text(*value))).collect(),
        }
    }

    /// Quantiles up to `most`, below 1.
    pub(crate) fn nines(title: &str, most: f64) -> Self {
        const TICKS: [(f64, &str); 8] = [
            (0.0, "0"),
            (0.5, "50 %"),
            (0.9, "90 %"),
            (0.99, "99 %"),
            (0.999, "99.9 %"),
            (0.9999, "99.99 %"),
            (0.99999, "99.999 %"),
            (0.999_999, "99.9999 %"),
        ];
        let ticks = TICKS.iter().filter(|(at, _)| *at <= most);
        Self {
            title: title.to_owned(),
            scale: Scale::Nines,
            low: 0.0,
            high: most,
            ticks: ticks.map(|(at, text)| (*at, (*text).to_owned())).collect(),
        }
    }

    /// The same from the top down.
    pub(crate) fn downwards(self) -> Self {
        Self {
            low: self.high,
            high: self.low,
            ..self
        }
    }

    /// A slot for each name.
    pub(crate) fn slots(title: &str, names: impl IntoIterator<Item = String>) -> Self {
        let ticks: Vec<(f64, String)> = names
            .into_iter()
            .enumerate()
            .map(|(index, name)| (index as f64, name))
            .collect();
        Self {
            title: title.to_owned(),
            scale: Scale::Slots,
            low: -0.5,
            high: ticks.len().max(1) as f64 - 0.5,
            ticks,
        }
    }
}

/// The least and the greatest of the finite values.
fn ends(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    values
        .into_iter()
        .filter(|value| value.is_finite())
        .fold(None, |ends, value| match ends {
            None => Some((value, value)),
            Some((low, high)) => Some((low.min(value), high.max(value))),
        })
}

/// 1, 2 or 5 times a power of ten, at least `least`; of bytes, such a number of KiB, MiB, …
fn step(kind: Kind, least: f64) -> f64 {
    let unit = if kind == Kind::Bytes {
        1024_f64.powf((least.max(1.0).ln() / 1024_f64.ln()).floor())
    } else {
        1.0
    };
    let least = least / unit;
    let power = 10_f64.powf(least.log10().floor());
    let step = [1.0, 2.0, 5.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= least * 0.999);
    step.unwrap_or(10.0 * power) * unit
}

/// Powers of ten, with 2 and 5 times them where these are few; of bytes powers of two.
fn log_ticks(kind: Kind, low: f64, high: f64) -> Vec<(f64, String)> {
    if kind == Kind::Bytes {
        let (first, last) = (low.log2().ceil() as i32, high.log2().floor() as i32);
        let every = ((last - first) / 6 + 1) as usize;
        let powers = (first..=last).step_by(every).map(|power| 2_f64.powi(power));
        return powers.map(|value| (value, tick(kind, value))).collect();
    }
    let decades = (high / low).log10();
    let factors: &[f64] = match decades {
        few if few <= 1.2 => &[1.0, 1.5, 2.0, 3.0, 5.0, 7.0],
        few if few <= 3.0 => &[1.0, 2.0, 5.0],
        _ => &[1.0],
    };
    let first = low.log10().floor() as i32;
    let last = high.log10().ceil() as i32;
    let values = (first..=last).flat_map(|power| {
        factors
            .iter()
            .map(move |factor| factor * 10_f64.powi(power))
    });
    values
        .filter(|value| (low..=high).contains(value))
        .map(|value| (value, tick(kind, value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, text)| text.as_str()).collect()
    }

    #[test]
    fn ticks_are_round_and_cover_the_values() {
        let axis = Axis::linear("bytes", Kind::Count, [7.0, 431.0]);
        assert_eq!(texts(&axis), ["0", "200", "400"]);
        assert!(axis.high > 431.0);
        let axis = Axis::linear("memory", Kind::Bytes, [22.0 * 1024.0]);
        assert_eq!(texts(&axis), ["0", "10 KiB", "20 KiB"]);

        let axis = Axis::log("latency", Kind::Nanoseconds, [30_000.0, 52_000_000.0]);
        assert_eq!(texts(&axis), ["100 us", "1 ms", "10 ms"]);
        let axis = Axis::log("memory", Kind::Bytes, [2500.0, 22_000.0]);
        assert_eq!(texts(&axis), ["4 KiB", "8 KiB", "16 KiB"]);
        let axis = Axis::log("latency", Kind::Nanoseconds, [120_000.0, 900_000.0]);
        assert_eq!(
            texts(&axis),
            ["150 us", "200 us", "300 us", "500 us", "700 us", "1 ms"]
        );
    }

    #[test]
    fn an_axis_without_a_value_or_with_one_alone_can_be_drawn() {
        for axis in [
            Axis::log("latency", Kind::Nanoseconds, []),
            Axis::log("latency", Kind::Nanoseconds, [0.0, 5.0]),
            Axis::linear("bytes", Kind::Bytes, []),
            Axis::linear("bytes", Kind::Bytes, [0.0]),
            Axis::at("rate", &[100.0], |value| value.to_string()),
            Axis::slots("arm", []),
        ] {
            assert!(axis.low < axis.high, "{axis:?}");
            assert!(
                axis.scale.place(axis.low).is_finite() && axis.scale.place(axis.high).is_finite()
            );
        }
    }

    #[test]
    fn each_further_nine_is_as_wide_as_the_one_before() {
        let place = |value| Scale::Nines.place(value);
        assert!((place(0.99) - 2.0 * place(0.9)).abs() < 1e-9);
        assert!((place(0.999) - 3.0 * place(0.9)).abs() < 1e-9);
        assert!(place(1.0).is_finite());
    }
}
