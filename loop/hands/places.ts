// A fixed number of places, given out in the order requested: limits how many cold runs are under way at once.

export type Places = {
  /** Resolves to true with a place, or to false if the signal aborts first. */
  take(signal: AbortSignal): Promise<boolean>;
  give(): void;
};

export function placesFor(count: number): Places {
  const waiting: (() => void)[] = [];
  let free = count;
  return {
    take: (signal) => {
      if (signal.aborted) return Promise.resolve(false);
      if (free > 0) {
        free--;
        return Promise.resolve(true);
      }
      return new Promise((resolve) => {
        const admit = () => {
          signal.removeEventListener('abort', leave);
          resolve(true);
        };
        const leave = () => {
          waiting.splice(waiting.indexOf(admit), 1);
          resolve(false);
        };
        waiting.push(admit);
        signal.addEventListener('abort', leave, { once: true });
      });
    },
    give: () => {
      const next = waiting.shift();
      if (next) next();
      else free++;
    },
  };
}
