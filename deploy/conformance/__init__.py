"""Does a department's own client do the right thing? gridcall's side of the contract, played on a test department."""
