// "Show me the code": what runs in this page, as it was served.

/** Shows the module of a transport, and what it imports, in a <details> whenever it is opened. */
export class Code {
  #name = "";
  #shown = "";

  constructor(details) {
    this.details = details;
    this.tabs = details.querySelector(".files");
    this.text = details.querySelector("code");
    details.addEventListener("toggle", () => this.#open());
  }

  /** The transport that is used from now on. */
  use(name) {
    this.#name = name;
    this.#shown = `${name}.js`;
    this.#open();
  }

  async #open() {
    if (!this.details.open) return;
    const text = await this.#fetch(this.#shown);
    this.text.textContent = text;
    const files = [`${this.#name}.js`, "client.js", "session.js", "backoff.js"];
    this.tabs.replaceChildren(...files.map((file) => this.#tab(file)));
  }

  #tab(file) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = file;
    button.setAttribute("aria-pressed", String(file === this.#shown));
    button.addEventListener("click", async () => {
      this.#shown = file;
      await this.#open();
      [...this.tabs.children].find((tab) => tab.textContent === file)?.focus();
    });
    return button;
  }

  async #fetch(file) {
    const answer = await fetch(`/modules/${file}`);
    return answer.ok ? answer.text() : `${file} can't be had: HTTP ${answer.status}`;
  }
}
