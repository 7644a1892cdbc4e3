// What the theme leaves out for readers who use a keyboard or a screen reader: names for what has none, and a way into
// formulas and code that are wider than the page.
"use strict";

function nameWhatHasNoName() {
    for (const toggle of document.querySelectorAll("summary > .toctree-toggle")) {
        toggle.parentElement.setAttribute("aria-label", "Show or hide the pages below");
    }
    for (const link of document.querySelectorAll(".sphx-glr-thumbcontainer a")) {
        link.setAttribute("aria-label", link.textContent.trim());
    }
}

function reachWhatScrolls() {
    for (const box of document.querySelectorAll("div.math, div.highlight pre")) {
        if (box.scrollWidth > box.clientWidth) {
            box.tabIndex = 0;
        }
    }
}

document.addEventListener("DOMContentLoaded", nameWhatHasNoName);
window.addEventListener("load", () => {
    const set = window.MathJax && window.MathJax.startup && window.MathJax.startup.promise;
    Promise.resolve(set).then(reachWhatScrolls);
});
