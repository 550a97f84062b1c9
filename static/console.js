// What HTML and htmx do not do by themselves: copying, saying what changed, and saying that the server is away.

customElements.define("copy-text", class extends HTMLElement {
  connectedCallback() {
    if (this.querySelector(":scope > button")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    if (this.id) button.id = `copy-${this.id}`;
    button.textContent = "Copy";
    button.addEventListener("click", () => this.copy(button));
    this.append(button);
  }

  async copy(button) {
    const source = this.querySelector("code");
    try {
      await navigator.clipboard.writeText(source.textContent);
      button.textContent = "Copied";
      announce("Copied");
    } catch {
      // Without a secure context there is no clipboard: leave the text selected for the keyboard.
      getSelection().selectAllChildren(source);
      button.textContent = "Press Ctrl+C";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  }
});

function announce(text) {
  const region = document.getElementById("announcement");
  if (region.textContent !== text) region.textContent = text;
}

document.addEventListener("htmx:afterSettle", (event) => {
  const changed = event.detail.elt.querySelector?.("[data-announce]");
  if (changed) announce(changed.textContent);
});

// The server tells which theme it remembers from now on; pages that come later have it from the start.
document.addEventListener("theme", (event) => {
  const { name } = event.detail;
  document.documentElement.dataset.theme = name;
  for (const choice of document.querySelectorAll('input[name="theme"]')) choice.checked = choice.value === name;
});

// What somebody has opened stays open when it is swapped.
const opened = new Set();
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  for (const { id, open } of detail.target.querySelectorAll("details[id]")) open ? opened.add(id) : opened.delete(id);
});
document.addEventListener("htmx:afterSettle", () => {
  for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
  opened.clear();
});

// What was chosen before the scripts ran, and what the browser restores on the way back (after "load"), is chosen now.
// Forms that post at each change are left alone: going back takes nothing back.
addEventListener("pageshow", () => {
  for (const field of document.querySelectorAll("form:not([hx-post]) :is(input, select)")) {
    if (!isChanged(field)) continue;
    for (const name of ["input", "change"]) field.dispatchEvent(new Event(name, { bubbles: true }));
  }
});

function isChanged(field) {
  if (field.type === "radio") return field.checked && !field.defaultChecked;
  if (field.type === "checkbox") return field.checked !== field.defaultChecked;
  if (field.options) return field.selectedIndex !== Math.max(0, [...field.options].findLastIndex((option) => option.defaultSelected));
  return field.value !== field.defaultValue;
}

function showProblem(text) {
  const problem = document.getElementById("connection-problem");
  problem.textContent = text;
  problem.hidden = !text;
}

document.addEventListener("htmx:sendError", () => showProblem("The console does not answer. Trying again helps once it is back."));
document.addEventListener("htmx:responseError", (event) => {
  showProblem(`The console answered ${event.detail.xhr.status}. Reload the page to see why.`);
});
document.addEventListener("htmx:afterOnLoad", () => showProblem(""));

// A file that is too large is refused before it is sent: the answer to half an upload seldom arrives.
document.addEventListener("change", ({ target }) => {
  if (!target.dataset?.mostBytes) return;
  const tooLarge = [...target.files].some((file) => file.size > Number(target.dataset.mostBytes));
  target.setCustomValidity(tooLarge ? "This file is too large. Split it." : "");
  target.form.noValidate = !tooLarge;
  target.reportValidity();
});

// On a narrow screen the tab that is shown may be outside the row's visible part.
document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
