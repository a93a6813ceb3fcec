// Passkeys: the browser makes one or answers with one; the form takes what it says to the service.

const form = document.querySelector("form[data-passkey]");

async function answer() {
  const options = JSON.parse(form.dataset.passkey);
  const credential = form.dataset.ceremony === "register"
    ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
    : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
  form.elements.credential.value = JSON.stringify(credential.toJSON());
  form.submit();
}

form?.querySelector("button").addEventListener("click", (event) => {
  event.preventDefault();
  // The person closed the dialogue, or the device has no such key: the page says so, and nothing is lost.
  answer().catch(() => form.querySelector("[data-failed]").removeAttribute("hidden"));
});
