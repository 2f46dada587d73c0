// The search runs in a worker, and browsers start none from file://. There this class stands in for one: the worker's
// script runs in a hidden frame of the same page.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      this.frame.srcdoc = "<!doctype html><title>search</title>";
      this.started = new Promise((done) => this.frame.addEventListener("load", done, { once: true })).then(() => {
        const inside = this.frame.contentWindow;
        inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
        inside.importScripts = (...urls) => urls.reduce((before, one) => before.then(() => this.run(one)), Promise.resolve());
        return this.run(url);
      });
      document.body.append(this.frame);
    }

    run(url) {
      const page = this.frame.contentDocument;
      return new Promise((done, failed) => {
        page.body.append(Object.assign(page.createElement("script"), { src: url, onload: done, onerror: failed }));
      });
    }

    postMessage(data) {
      const inside = () => this.frame.contentWindow;
      this.started.then(() => inside().dispatchEvent(new (inside().MessageEvent)("message", { data })));
    }

    terminate() {
      this.frame.remove();
    }
  };
}
