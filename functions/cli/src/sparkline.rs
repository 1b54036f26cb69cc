//! Numbers over time as a line of blocks: `▁▁▂█▃`.

/// The blocks, by height.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Returns a block for each number, relative to the largest one. Only zero has the lowest block: a
/// single change beside a first load stays visible.
pub(crate) fn sparkline(numbers: &[u64]) -> String {
    let largest = numbers.iter().copied().max().unwrap_or(0).max(1);
    let steps = BLOCKS.len() as u64 - 1;
    let block = |number: &u64| {
        let height = u128::from(*number) * u128::from(steps);
        let height = usize::try_from(height.div_ceil(u128::from(largest))).unwrap_or(0);
        BLOCKS.get(height).copied().unwrap_or(' ')
    };
    numbers.iter().map(block).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_number_has_the_highest_block_and_only_zero_the_lowest() {
        assert_eq!(sparkline(&[0, 1, 500, 1000]), "▁▂▅█");
        assert_eq!(sparkline(&[0, 0]), "▁▁");
        assert_eq!(sparkline(&[u64::MAX, 0, u64::MAX / 2]), "█▁▅");
        assert_eq!(sparkline(&[]), "");
    }
}
