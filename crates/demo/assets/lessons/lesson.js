// What every lesson's page does: a guess first, then the run, then what was measured beside what the model says and what was published.
//
// A lesson is one function, `run`, which gets a `Run` and returns its figures by name. Everything else of the page is here.

import { Live } from "/assets/lessons/live.js";
import { LagMeter } from "/assets/lessons/lag.js";
import { Scale } from "/assets/lessons/scale.js";
import { fillTable, words } from "/assets/lessons/table.js";
import { showCode } from "/assets/lessons/code.js";
import { pause } from "/assets/lessons/experiment.js";
import { remember, tellProgress } from "/assets/lessons/progress.js";

/**
 * @typedef {object} Run what an experiment is given
 * @property {Record<string, number>} settings the lesson's own, or as the reader changed them
 * @property {Live} live where it shows what happens
 * @property {(share: number) => void} progress from 0 to 1
 * @property {(text: string) => void} say one line for everybody, screen readers too
 * @property {(closing: {close: () => unknown}) => any} keep what is closed when the run is over, however it ends
 * @property {AbortSignal} signal aborted when the page is left
 */

const root = document.documentElement;
const id = location.pathname.split("/").pop();
const find = (selector) => /** @type {HTMLElement} */ (document.querySelector(selector));

/**
 * Sets a lesson's page up.
 * @param {(run: Run) => Promise<Record<string, number>>} experiment
 * @param {(measured: Record<string, number>, facts: Record<string, any>) => string} meaning what the figures say, in a sentence
 */
export async function lesson(experiment, meaning) {
    const answer = await fetch(`/lessons/${id}/facts.json`);
    const facts = await answer.json();
    const byName = Object.fromEntries(facts.figures.map((figure) => [figure.figure, figure]));
    const guess = /** @type {HTMLInputElement} */ (find("#guess"));
    const run = /** @type {HTMLButtonElement} */ (find("#run"));
    const status = find("#status");
    const scale = new Scale(find("#scale"), guess, byName[guess.dataset.figure]);
    const live = new Live(find("#live"));
    const changes = [...document.querySelectorAll("[data-setting]")].map((control) => new Change(control, facts.settings));
    let hasGuessed = false;

    const guessed = (value) => {
        hasGuessed = true;
        scale.mark("guess", value);
        const shown = value === null ? "no guess" : words(value, scale.figure.unit);
        find("#guessed").textContent = shown;
        guess.setAttribute("aria-valuetext", shown);
        run.disabled = false;
        if (root.dataset.lesson === "ready") status.textContent = "";
    };
    guess.addEventListener("input", () => guessed(scale.valueOf(guess)));
    find("#unsure").addEventListener("click", () => guessed(null));

    run.addEventListener("click", async () => {
        if (!hasGuessed || root.dataset.lesson === "running") return;
        root.dataset.lesson = "running";
        run.disabled = true;
        const settings = { ...facts.settings };
        for (const change of changes) change.into(settings);
        const isOwn = changes.every((change) => !change.isChanged);
        const leaving = new AbortController();
        const leave = () => leaving.abort();
        addEventListener("pagehide", leave);
        const closings = [];
        const lag = new LagMeter();
        let outcome = "failed";
        live.clear();
        try {
            const measured = await experiment({
                settings, live, signal: leaving.signal,
                progress: (share) => { find("#progress").value = Math.min(1, share); },
                say: (text) => { status.textContent = text; },
                keep: (closing) => { closings.push(closing); return closing; },
            });
            find("#progress").value = 1;
            const lateness = lag.stop();
            fillTable(find("#figures"), facts.figures, measured, isOwn);
            if (isOwn) {
                scale.reveal(measured[scale.figure.figure]);
                find("#meaning").textContent = meaning(measured, byName);
                tellReasons(facts.figures);
                remember(id);
                tellProgress(find("#lessons-done"));
            } else {
                noteTrial(changes, facts.figures, measured);
            }
            tellLag(lateness);
            status.textContent = isOwn ? "Done: compare below." : "Done: with your settings, see “Try to break it”.";
            outcome = "done";
        } catch (error) {
            lag.stop();
            status.textContent = `It failed: ${error.message}`;
            root.dataset.failure = String(error.stack ?? error);
            outcome = "failed";
        } finally {
            removeEventListener("pagehide", leave);
            await Promise.race([Promise.allSettled(closings.reverse().map(async (closing) => closing.close())), pause(3000)]);
            run.disabled = false;
            run.textContent = "Run it again";
            root.dataset.lesson = outcome;
        }
    });

    fillTable(find("#figures"), facts.figures, null, true);
    tellProgress(find("#lessons-done"));
    showCode(find("#code"));
    root.dataset.lesson = "ready";
}

/** A control of "try to break it". */
class Change {
    constructor(control, settings) {
        this.control = control;
        this.name = control.dataset.setting;
        this.own = settings[this.name];
        this.label = control.labels?.[0]?.dataset.label ?? this.name;
        this.output = control.parentElement.querySelector("output");
        if (control.type !== "checkbox") control.value = String(this.own);
        control.addEventListener("input", () => this.show());
        this.show();
    }

    get value() {
        return this.control.type === "checkbox" ? Number(this.control.checked) : Number(this.control.value);
    }

    get isChanged() {
        return this.value !== (this.own ?? 0);
    }

    show() {
        if (this.output) this.output.textContent = `${this.value} ${this.control.dataset.unit ?? ""}`.trim();
    }

    into(settings) {
        settings[this.name] = this.value;
    }

    get words() {
        if (this.control.type === "checkbox") return `${this.label} ${this.value ? "on" : "off"}`;
        return `${this.label} ${this.value} ${this.control.dataset.unit ?? ""}`.trim();
    }
}

/** Why what was published differs, where it does. */
function tellReasons(figures) {
    const items = figures.filter((figure) => figure.because).map((figure) => {
        const item = document.createElement("li");
        item.textContent = `${figure.label}: ${figure.because}.`;
        return item;
    });
    find("#reasons").replaceChildren(...items);
}

/** What came of the reader's own settings: the marks on the page are for the lesson's. */
function noteTrial(changes, figures, measured) {
    const item = document.createElement("li");
    const set = changes.filter((change) => change.isChanged).map((change) => change.words).join(", ");
    const found = figures
        .filter((figure) => Number.isFinite(measured[figure.figure]))
        .map((figure) => `${figure.label}: ${words(measured[figure.figure], figure.unit)}`)
        .join("; ");
    item.textContent = `With ${set}: ${found}.`;
    find("#trials").prepend(item);
}

/** How much the machine held this page up, which every figure has in it. */
function tellLag({ mean, most, busy, hidden }) {
    root.dataset.lag = mean.toFixed(2);
    root.dataset.stalled = String(busy || hidden);
    let text = `While it ran, this page got its turn ${mean.toFixed(1)} ms late on average, ${most.toFixed(0)} ms at most.`;
    if (busy) text += " That is a busy machine: figures outside the model's range may be its doing. Run it again.";
    if (hidden) text += " It was in the background for a while, where browsers slow timers down: run it again and stay.";
    find("#lag").textContent = text;
}
