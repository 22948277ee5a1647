//! The time of a line: a field of the record times the scale, or now.
//!
//! **Invariant:** whole numbers are scaled exactly; NetObserv goes through a float and is off by up to 128 ns.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::model::{Number, ValueRef};

/// Nanoseconds since the epoch; `None` when the value is no usable time: absent, zero, text or a short number.
pub fn nanoseconds(value: Option<ValueRef<'_>>, scale: Duration) -> Option<i128> {
    let Some(ValueRef::Number(number)) = value else {
        return None;
    };
    let scale = scale.as_nanos() as i128;
    let scaled = match number {
        Number::U8(_) | Number::U16(_) => return None,
        Number::U64(whole) => i128::from(whole) * scale,
        Number::F64(float) if float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0 => {
            float as i128 * scale
        }
        // The cast takes what is too large to the end of the range and NaN to zero.
        Number::F64(float) => (float * scale as f64) as i128,
        other => i128::from(other.as_integer()) * scale,
    };
    (scaled != 0).then_some(scaled)
}

/// Nanoseconds since the epoch of a moment.
pub fn moment(time: SystemTime) -> i128 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos() as i128)
}

/// Seconds and nanoseconds as protobuf's `Timestamp` splits them; what it cannot hold is cut to its ends.
pub fn split(nanoseconds: i128) -> (i64, i32) {
    let seconds = nanoseconds.div_euclid(1_000_000_000);
    let rest = nanoseconds.rem_euclid(1_000_000_000) as i32;
    (seconds.clamp(i64::MIN.into(), i64::MAX.into()) as i64, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_is_the_unit_of_the_field() {
        let value = Some(ValueRef::Number(Number::F64(123_456_789.0)));
        for (scale, seconds, rest) in [
            (Duration::from_mins(1), 7_407_407_340, 0),
            (Duration::from_secs(1), 123_456_789, 0),
            (Duration::from_millis(100), 12_345_678, 900_000_000),
            (Duration::from_millis(1), 123_456, 789_000_000),
        ] {
            assert_eq!(nanoseconds(value, scale).map(split), Some((seconds, rest)));
        }
    }

    #[test]
    fn a_present_millisecond_stamp_is_exact() {
        let value = Some(ValueRef::Number(Number::I64(1_704_164_647_006)));
        assert_eq!(
            nanoseconds(value, Duration::from_millis(1)),
            Some(1_704_164_647_006_000_000)
        );
        let value = Some(ValueRef::Number(Number::F64(1.5)));
        assert_eq!(
            nanoseconds(value, Duration::from_secs(1)),
            Some(1_500_000_000)
        );
    }

    #[test]
    fn what_is_no_time_is_none() {
        for value in [
            None,
            Some(ValueRef::Text("1704164647006")),
            Some(ValueRef::Number(Number::U16(7))),
            Some(ValueRef::Number(Number::I64(0))),
            Some(ValueRef::Number(Number::F64(f64::NAN))),
            Some(ValueRef::Null),
        ] {
            assert_eq!(nanoseconds(value, Duration::from_secs(1)), None);
        }
    }

    #[test]
    fn a_time_before_the_epoch_has_nanoseconds_that_count_up() {
        assert_eq!(split(-1), (-1, 999_999_999));
        assert_eq!(split(i128::MAX).0, i64::MAX);
    }
}
