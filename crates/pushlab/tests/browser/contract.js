// What every report has. Returns what is missing.
(() => {
    const faults = [];
    const all = (selector, within = document) => [...within.querySelectorAll(selector)];
    const unless = (holds, fault) => holds || faults.push(fault);
    const says = (selector) => (document.querySelector(selector)?.innerText ?? "").trim() !== "";

    unless(document.documentElement.lang === "en", "html has no lang=en");
    unless([undefined, "light", "dark"].includes(document.documentElement.dataset.theme), "html: data-theme is neither light nor dark");
    unless(document.title.trim(), "no title");
    unless(all("main").length === 1, "not one main");
    unless(all("h1").length === 1 && says("h1"), "not one h1 with the question");
    unless(says("#answer"), "#answer is empty or missing");
    for (const scope of ["col", "row"]) unless(all(`#comparison table th[scope=${scope}]`).length, `#comparison has no table with th scope=${scope}`);
    unless(document.querySelector("#methods"), "no #methods");
    unless(document.querySelector("details#manifest"), "no details#manifest");
    unless(document.querySelector("button#theme"), "no button#theme");
    unless(document.querySelector("button#copy"), "no button#copy");
    unless(document.querySelector("#live[aria-live]"), "no #live with aria-live");
    unless(document.querySelector("#tip") && !document.querySelector("#tip").checkVisibility({ opacityProperty: true, visibilityProperty: true }), "#tip is missing or shows from the start");
    const command = document.querySelector("#command code")?.textContent.trim() ?? "";
    unless(/(pushlab|cargo run .*--) (run|load) \S/.test(command), `#command code is not the command: ${command}`);

    const ids = all("[id]").map((element) => element.id);
    const twice = ids.filter((id, at) => ids.indexOf(id) !== at);
    unless(!twice.length, `ids that are there twice: ${twice.slice(0, 5)}`);

    const buttons = all("#arms button[data-arm]");
    unless(buttons.length, "#arms has no buttons with data-arm");
    for (const button of buttons) unless(button.getAttribute("aria-pressed") === "true", `arm ${button.dataset.arm} isn't shown at first (aria-pressed)`);

    for (const chart of all("figure.chart")) {
        const name = `chart ${chart.dataset.chart} #${chart.id}`;
        unless(chart.dataset.chart && chart.id, `${name}: no data-chart or no id`);
        for (const size of ["wide", "narrow"]) unless(all(`svg.${size}`, chart).length === 1, `${name}: not one svg.${size}`);
        const drawings = all("svg[role=img]", chart);
        unless(drawings.every((drawing) => drawing.getAttribute("aria-label")?.trim()), `${name}: svg without aria-label`);
        const shown = drawings.filter((drawing) => drawing.checkVisibility());
        if (chart.checkVisibility()) {
            unless(shown.length === 1, `${name}: ${shown.length} visible svg[role=img]`);
            unless(chart.querySelector("figcaption")?.innerText.trim(), `${name}: no figcaption`);
            unless(chart.matches("[tabindex='0']") || all("[tabindex='0']", chart).some((one) => one.checkVisibility()), `${name}: can't have the focus`);
        }
        unless(all("details.data table td", chart).length, `${name}: no details.data with a table`);
    }
    return faults;
})();
