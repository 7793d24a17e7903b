//! The columns of a run over a link: what it really did, and what the models say. They are in a file only if one of its
//! rows has something to say in them.

use crate::link::{Impairment, LinkReport};
use crate::prediction::Prediction;
use crate::rows::cells::Cells;
use crate::rows::run::visit_distribution;

/// `link_up_…`, `link_down_…`.
pub(super) fn visit_link(cells: &mut impl Cells, link: &mut Option<LinkReport>) {
    cells.optional("link_up_units", link, |cells, link: &mut LinkReport| {
        visit_impairment(cells, "link_up", &mut link.up);
        visit_impairment(cells, "link_down", &mut link.down);
    });
}

fn visit_impairment(cells: &mut impl Cells, way: &str, seen: &mut Impairment) {
    cells.at(&format!("{way}_units"), &mut seen.units);
    cells.at(&format!("{way}_bytes"), &mut seen.bytes);
    visit_distribution(cells, &format!("{way}_delay"), &mut seen.delay);
    cells.at(&format!("{way}_lost"), &mut seen.lost);
    cells.at(&format!("{way}_dropped"), &mut seen.dropped);
    cells.at(&format!("{way}_reordered"), &mut seen.reordered);
    cells.at(&format!("{way}_duplicated"), &mut seen.duplicated);
    cells.at(&format!("{way}_busy_bit_per_s"), &mut seen.busy_bit_per_s);
    cells.at(&format!("{way}_queue_max_bytes"), &mut seen.queue_max_bytes);
}

/// `predicted_…`.
pub(super) fn visit_prediction(cells: &mut impl Cells, prediction: &mut Option<Prediction>) {
    cells.optional("model", prediction, |cells, said: &mut Prediction| {
        cells.at("model", &mut said.model);
        cells.at("predicted_mean_ns", &mut said.mean_ns);
        cells.at("predicted_p50_ns", &mut said.p50_ns);
        cells.at("predicted_p99_ns", &mut said.p99_ns);
        cells.at(
            "predicted_requests_per_message",
            &mut said.requests_per_message,
        );
        cells.at(
            "predicted_useless_request_share",
            &mut said.useless_request_share,
        );
    });
}
