"""HTTP for hospital billing systems."""
