import { useEffect, useRef } from "preact/hooks";
import { recall, remember } from "../model/memory";
import { useSurface } from "./context";

export function rememberedActor(): string {
  return recall("actor") ?? "";
}

interface Props {
  initial: string;
  onName: (name: string) => void;
  onCancel: () => void;
}

/** Asks once who acknowledges; the name is remembered on this screen. */
export function ActorDialog({ initial, onName, onCancel }: Props) {
  const { t } = useSurface();
  const dialog = useRef<HTMLDialogElement>(null);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
    input.current?.select();
  }, []);
  const submit = (event: Event) => {
    event.preventDefault();
    const name = input.current?.value.trim() ?? "";
    if (!name) return;
    remember("actor", name);
    onName(name);
  };
  return (
    <dialog ref={dialog} class="actor" aria-labelledby="actor-title" onClose={onCancel}>
      <form method="dialog" onSubmit={submit}>
        <h2 id="actor-title">{t("actor.title")}</h2>
        <p>{t("actor.explain")}</p>
        <label>
          {t("actor.label")}
          <input ref={input} name="actor" required maxLength={80} defaultValue={initial} />
        </label>
        <p class="buttons">
          <button type="button" class="quiet" onClick={onCancel}>
            {t("actor.cancel")}
          </button>
          <button type="submit">{t("actor.confirm")}</button>
        </p>
      </form>
    </dialog>
  );
}
