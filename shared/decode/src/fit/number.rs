//! Numbers of other types, each read from its text as a number of JSON is: a double that is written
//! as 0.1 becomes the decimal 0.1, and one that is written with more places than the column has does
//! not fit.

use core::fmt::Display;

use arrow::array::{ArrayRef, ArrowPrimitiveType, AsArray as _, Decimal128Array, Int64Array};
use arrow::datatypes::{
    Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, DecimalType, Float16Type,
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow::error::ArrowError;

use super::{rounded, unlike};
use crate::literal;

/// Converts numbers to integers.
///
/// # Errors
/// When `column` has no numbers, or one that is no integer of 64 bits.
pub(super) fn integers(column: &ArrayRef) -> Result<Int64Array, ArrowError> {
    Ok(read(column, literal::integer)?.into_iter().collect())
}

/// Converts numbers to decimals of 18 digits, `scale` of them behind the point.
///
/// # Errors
/// When `column` has no numbers, or one with more digits.
pub(super) fn decimals(
    column: &ArrayRef,
    precision: u8,
    scale: i8,
) -> Result<Decimal128Array, ArrowError> {
    let numbers = read(column, |text| literal::decimal(text, scale))?;
    numbers.into_iter().collect::<Decimal128Array>().with_precision_and_scale(precision, scale)
}

/// Returns what `parse` makes of the text of each number.
fn read<T>(
    column: &ArrayRef,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Vec<Option<T>>, ArrowError> {
    let texts = KINDS.iter().find_map(|texts| texts(column)).ok_or_else(unlike)?;
    let parsed = |text: &String| parse(text).ok_or_else(rounded);
    texts.iter().map(|text| text.as_ref().map(parsed).transpose()).collect()
}

/// Texts of the numbers in a column, without exponents; `None` if it is of another type.
type NumberTexts = fn(&ArrayRef) -> Option<Vec<Option<String>>>;

/// Types of numbers.
const KINDS: [NumberTexts; 15] = [
    plain::<Int8Type>,
    plain::<Int16Type>,
    plain::<Int32Type>,
    plain::<Int64Type>,
    plain::<UInt8Type>,
    plain::<UInt16Type>,
    plain::<UInt32Type>,
    plain::<UInt64Type>,
    plain::<Float16Type>,
    plain::<Float32Type>,
    plain::<Float64Type>,
    scaled::<Decimal32Type>,
    scaled::<Decimal64Type>,
    scaled::<Decimal128Type>,
    scaled::<Decimal256Type>,
];

fn plain<T: ArrowPrimitiveType<Native: Display>>(column: &ArrayRef) -> Option<Vec<Option<String>>> {
    let numbers = column.as_primitive_opt::<T>()?.iter();
    Some(numbers.map(|number| number.map(|number| number.to_string())).collect())
}

fn scaled<T: DecimalType>(column: &ArrayRef) -> Option<Vec<Option<String>>> {
    let column = column.as_primitive_opt::<T>()?;
    let text = |number| T::format_decimal(number, column.precision(), column.scale());
    Some(column.iter().map(|number| number.map(text)).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Array as _, Decimal256Array, Float32Array, Float64Array, StringArray};
    use arrow::datatypes::{DataType, i256};
    use proptest::prelude::*;

    use super::*;

    fn decimal(column: &ArrayRef) -> Option<Vec<Option<i128>>> {
        decimals(column, 18, 4).ok().map(|fitted| fitted.iter().collect())
    }

    fn floats(numbers: &[f64]) -> ArrayRef {
        Arc::new(Float64Array::from(numbers.to_vec()))
    }

    #[test]
    fn a_number_that_would_have_to_be_rounded_does_not_fit() {
        let fits = vec![Some(1_000), None, Some(-25_000), Some(0)];
        let column: ArrayRef =
            Arc::new(Float64Array::from(vec![Some(0.1), None, Some(-2.5), Some(-0.0)]));
        assert_eq!(decimal(&column), Some(fits.clone()));
        let column: ArrayRef =
            Arc::new(Float32Array::from(vec![Some(0.1), None, Some(-2.5), Some(0.0)]));
        assert_eq!(decimal(&column), Some(fits));
        for odd in [0.000_01, 1e14, f64::NAN, f64::INFINITY, 1e300, 1e-300, 0.1 + 0.2] {
            assert_eq!(decimal(&floats(&[1.0, odd])), None, "{odd}");
        }
        assert_eq!(
            integers(&floats(&[1e15, -3.0])).unwrap().values(),
            &[1_000_000_000_000_000, -3]
        );
        assert!(integers(&floats(&[0.5])).is_err() && integers(&floats(&[1e19])).is_err());
        let text: ArrayRef = Arc::new(StringArray::from(vec!["5"]));
        assert!(integers(&text).is_err(), "text is no number");
    }

    proptest! {
        #[test]
        fn what_fits_is_the_same_number(digits in -10_i64.pow(17)..10_i64.pow(17), scale in 0_i8..8) {
            let wide = Decimal256Array::from(vec![Some(i256::from(digits)), None]);
            let wide = wide.with_precision_and_scale(60, scale).unwrap();
            let shift = 10_i128.pow(u32::from(scale.abs_diff(4)));
            let digits = i128::from(digits);
            let expected = if scale <= 4 {
                Some(digits * shift).filter(|digits| digits.abs() < 10_i128.pow(18))
            } else {
                (digits % shift == 0).then_some(digits / shift)
            };
            let fitted = decimals(&(Arc::new(wide) as ArrayRef), 18, 4).ok();
            prop_assert_eq!(fitted.as_ref().map(|fitted| fitted.value(0)), expected);
            prop_assert!(fitted.is_none_or(|fitted| fitted.is_null(1)));
        }

        #[test]
        fn integers_of_all_widths_stay_what_they_are(number in any::<i64>()) {
            let of = |column: ArrayRef| integers(&column).ok().map(|fitted| fitted.value(0));
            let column: ArrayRef = Arc::new(Int64Array::from(vec![number]));
            let cast = |ty| arrow::compute::cast(&column, &ty).unwrap();
            for ty in [DataType::Int8, DataType::Int16, DataType::Int32, DataType::UInt32, DataType::UInt64] {
                let narrow = cast(ty);
                // Null where the type has no such number.
                let expected = if narrow.is_null(0) { 0 } else { number };
                prop_assert_eq!(of(narrow), Some(expected));
            }
        }
    }
}
