//! Which CPUs there are, and pinning threads to them.

use std::io;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The CPUs that the calling thread may use, in ascending order.
pub(crate) fn allowed() -> Vec<u32> {
    let Ok(set) = sched_getaffinity(None) else {
        return Vec::new();
    };
    (0..CpuSet::MAX_CPU)
        .filter(|&cpu| set.is_set(cpu))
        .map(|cpu| cpu as u32)
        .collect()
}

/// Pins the calling thread, and those that it starts from now on, to these CPUs.
///
/// # Errors
/// One of them doesn't exist, or may not be used.
pub(crate) fn pin(cpus: &[u32]) -> io::Result<()> {
    for cpu in cpus {
        // Of several CPUs the kernel takes those that it can, and says nothing of the others.
        pin_to(&[*cpu]).map_err(|error| {
            io::Error::new(error.kind(), format!("CPU {cpu} can't be used: {error}"))
        })?;
    }
    pin_to(cpus)
}

fn pin_to(cpus: &[u32]) -> io::Result<()> {
    let mut set = CpuSet::new();
    for &cpu in cpus.iter().filter(|&&cpu| (cpu as usize) < CpuSet::MAX_CPU) {
        set.set(cpu as usize);
    }
    Ok(sched_setaffinity(None, &set)?)
}

/// Which CPUs a run gives to whom. Both empty on a machine with one CPU.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pins {
    pub(crate) server: Vec<u32>,
    pub(crate) generator: Vec<u32>,
}

impl Pins {
    /// The last CPU for the generator, and as many of the others as the server has threads, from the first on.
    pub(crate) fn new(allowed: &[u32], server_threads: u32) -> Self {
        match allowed {
            [rest @ .., last] if !rest.is_empty() => Self {
                server: rest
                    .iter()
                    .take(server_threads.max(1) as usize)
                    .copied()
                    .collect(),
                generator: vec![*last],
            },
            _ => Self::default(),
        }
    }
}

/// Reads "0", "0,2" or "0-3,8".
///
/// # Errors
/// What is wrong and what would be right.
pub(crate) fn parse_list(text: &str) -> Result<CpuList, String> {
    let number = |text: &str| {
        text.trim()
            .parse::<u32>()
            .ok()
            .filter(|&cpu| (cpu as usize) < CpuSet::MAX_CPU)
    };
    let mut cpus = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => cpus.extend(first..=last),
            _ => return Err("a list of CPU numbers is right, as in 0 or 0,2 or 0-3".to_owned()),
        }
    }
    Ok(CpuList(cpus))
}

/// CPUs as the command line names them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CpuList(pub(crate) Vec<u32>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_has_a_cpu_of_its_own() {
        let pins = |allowed: &[u32], threads| {
            let pins = Pins::new(allowed, threads);
            (pins.server, pins.generator)
        };
        assert_eq!(pins(&[0, 1], 1), (vec![0], vec![1]));
        assert_eq!(pins(&[0, 1], 4), (vec![0], vec![1]));
        assert_eq!(pins(&[2, 3, 5, 7], 2), (vec![2, 3], vec![7]));
        assert_eq!(pins(&[0], 1), (vec![], vec![]));
        assert_eq!(pins(&[], 1), (vec![], vec![]));
    }

    #[test]
    fn lists_are_read() {
        assert_eq!(parse_list("0"), Ok(CpuList(vec![0])));
        assert_eq!(parse_list("0,2-4"), Ok(CpuList(vec![0, 2, 3, 4])));
        for bad in ["", "a", "1-0", "0,,1", "-1", "99999999999"] {
            let problem = "a list of CPU numbers is right, as in 0 or 0,2 or 0-3".to_owned();
            assert_eq!(parse_list(bad), Err(problem), "{bad}");
        }
    }
}
