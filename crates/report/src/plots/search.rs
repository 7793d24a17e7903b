//! Where a promise is kept: for each arm the values that were tried, and the answer.

use measure::summary::{Search, SearchEnd};

use crate::chart::{Axis, Chart, Layer, Mark, Point};
use crate::figure::kind;
use crate::run::Run;
use crate::text::{capital, setting};

/// A chart for each search, all arms in it.
pub(super) fn charts(run: &Run) -> Vec<Chart> {
    let searches = &run.summary().searches;
    let mut asked: Vec<&str> = Vec::new();
    for search in searches {
        if !asked.contains(&search.find.as_str()) {
            asked.push(&search.find);
        }
    }
    let several = asked.len() > 1;
    asked
        .iter()
        .enumerate()
        .filter_map(|(index, find)| {
            let own: Vec<&Search> = searches.iter().filter(|one| one.find == *find).collect();
            let name = if several {
                format!("search-{}", index + 1)
            } else {
                "search".to_owned()
            };
            chart(find, &own, name)
        })
        .collect()
}

fn chart(find: &str, searches: &[&Search], name: String) -> Option<Chart> {
    let column = &searches.first()?.axis;
    let mut layers = Vec::new();
    for (index, search) in searches.iter().enumerate() {
        let row = index as f64;
        let tried = |held: Option<bool>| {
            let probes = search.probes.iter().filter(move |probe| probe.held == held);
            let points = probes.map(|probe| {
                let word = match probe.held {
                    Some(true) => "held",
                    Some(false) => "did not hold",
                    None => "can't be told",
                };
                let why = if probe.reason.is_empty() {
                    String::new()
                } else {
                    format!(": {}", probe.reason)
                };
                Point::new(probe.value, row)
                    .says(setting(column, probe.value), format!("{word}{why}"))
            });
            points.collect::<Vec<_>>()
        };
        if let (Some(holds), Some(fails)) = (search.holds_at, search.fails_at) {
            let span = Point::new(holds, row).to(fails, row);
            layers.push(Layer::new(&search.arm, Mark::Span, vec![span]));
        }
        layers.push(Layer::new(&search.arm, Mark::Dot, tried(Some(true))));
        let unknown = tried(None).into_iter().chain(tried(Some(false)));
        layers.push(Layer::new(&search.arm, Mark::Hollow, unknown.collect()));
    }
    layers.retain(|layer| !layer.points.is_empty());
    let values: Vec<f64> = layers
        .iter()
        .flat_map(|layer| layer.points.iter().map(|point| point.x))
        .collect();
    let is_limited = searches
        .iter()
        .any(|one| one.end == SearchEnd::GeneratorLimited);
    let limited = if is_limited {
        " Where the generator could not keep up the answer is at least the last full mark."
    } else {
        ""
    };
    let axis = measure::summary::axis_name(column);
    (!layers.is_empty()).then(|| Chart {
        kind: "search",
        name,
        title: capital(find),
        caption: format!("Full: all conditions held there. Hollow: they did not, or it can't be told. The answer lies on the line between.{limited}"),
        point: None,
        x: Axis::log(axis, kind(column), values),
        y: Axis::slots("", searches.iter().map(|one| one.arm.clone())).downwards(),
        layers,
    })
}
