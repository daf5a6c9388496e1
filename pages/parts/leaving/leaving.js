// While this is on the page, the browser asks before it reloads or closes it.

const ask = (event) => event.preventDefault();

export default function () {
  window.addEventListener("beforeunload", ask);
  return () => window.removeEventListener("beforeunload", ask);
}
