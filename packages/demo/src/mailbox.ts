/** Keeps messages until somebody takes them, by their kind, and those who wait until they come. */
export class Mailbox<Message extends { readonly kind: string }> {
  readonly #messages: Message[] = [];
  readonly #waiting = new Set<() => void>();

  /** Gives the message to the first who waits for its kind, or keeps it. */
  put(message: Message): void {
    this.#messages.push(message);
    for (const look of this.#waiting) look();
  }

  /** The oldest message of one of these kinds, once there is one. */
  take<Kind extends Message["kind"]>(
    ...kinds: readonly Kind[]
  ): Promise<Extract<Message, { readonly kind: Kind }>> {
    return new Promise((resolve) => {
      const look = (): void => {
        const found = this.#messages.findIndex((message) => isOneOf(message, kinds));
        const message = this.#messages[found];
        if (message === undefined || !isOneOf(message, kinds)) return;
        this.#messages.splice(found, 1);
        this.#waiting.delete(look);
        resolve(message);
      };
      this.#waiting.add(look);
      look();
    });
  }
}

function isOneOf<Message extends { readonly kind: string }, Kind extends Message["kind"]>(
  message: Message,
  kinds: readonly Kind[],
): message is Extract<Message, { readonly kind: Kind }> {
  return kinds.some((kind) => kind === message.kind);
}
