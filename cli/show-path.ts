/** A raw path for people: UTF-8 where it is, control and stray bytes as \xNN. */
export { showPath } from "../engine/index.ts"
