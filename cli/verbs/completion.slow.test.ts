/** Completion in real zsh and fish, which .ci/run installs; without them these tests fail. */
import { completionSuite } from "../testing/completion-suite.ts"

completionSuite("zsh")
completionSuite("fish")
