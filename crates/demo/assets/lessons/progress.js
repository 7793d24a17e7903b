// Which lessons a reader has done, kept by this browser alone.

const KEY = "pushlab.lessons";

function done() {
    try {
        const kept = JSON.parse(localStorage.getItem(KEY) ?? "[]");
        return new Set(Array.isArray(kept) ? kept.map(String) : []);
    } catch {
        // Storage that is forbidden or broken keeps nothing.
        return new Set();
    }
}

/** @param {string} id */
export function remember(id) {
    const all = done().add(id);
    try {
        localStorage.setItem(KEY, JSON.stringify([...all]));
    } catch { /* as above */ }
}

/** @param {HTMLElement} element where it is told */
export async function tellProgress(element) {
    const answer = await fetch("/lessons.json");
    const lessons = await answer.json();
    const all = done();
    const left = lessons.filter((lesson) => !all.has(lesson.id));
    const count = lessons.length - left.length;
    element.textContent = left.length ? `You have done ${count} of ${lessons.length} lessons.` : "You have done all lessons.";
}
