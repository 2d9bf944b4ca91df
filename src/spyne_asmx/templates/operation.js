
"use strict";

const form = document.querySelector("form");
const outcome = document.querySelector("#outcome");
const copy = document.querySelector(".copy");

// Shows the answer below the form. Without this script the browser goes to the answer.
async function invoke(event) {
  event.preventDefault();
  const begun = performance.now();
  let status, text;
  form.ariaBusy = "true";
  try {
    const body = new URLSearchParams(new FormData(form));
    const answer = await fetch(form.getAttribute("action"), { method: "POST", body });
    text = await answer.text();
    status = `${answer.status} ${answer.statusText}`;
  } catch {
    text = "";
    status = "The server did not answer";
  }
  form.ariaBusy = null;
  outcome.hidden = false;
  outcome.querySelector("code").textContent = text;
  outcome.querySelector("section").hidden = !text;
  outcome.querySelector("p").textContent = `${status}, after ${Math.round(performance.now() - begun)} ms`;
}

// Browsers give pages their clipboard over TLS only; the older way is to copy what is selected.
async function copyCommand() {
  const command = document.querySelector(".command code");
  getSelection().selectAllChildren(command);
  try {
    await navigator.clipboard.writeText(command.textContent);
  } catch {
    document.execCommand("copy");
  }
  copy.textContent = "Copied";
  setTimeout(() => { copy.textContent = "Copy"; }, 2000);
}

form?.addEventListener("submit", invoke);
copy?.addEventListener("click", copyCommand);
if (copy) copy.hidden = false;
