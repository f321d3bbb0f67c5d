/** What `status` and `doctor` find, and how to mend it. */
import { showCount } from "../base/show.ts"

export interface Finding {
  readonly level: "good" | "warning" | "bad"
  readonly subject: string
  readonly message: string
  /** What to do. */
  readonly advice?: string | undefined
}

export function good(subject: string, message: string): Finding {
  return { level: "good", subject, message }
}

/** Packs that were uploaded by a run that did not end. */
export function unfinished(packs: number): Finding {
  const message = `${showCount(packs, "uploaded pack")} in no snapshot yet`
  const advice = "run the backup again to use them"
  return { level: "warning", subject: "unfinished backup", message, advice }
}
